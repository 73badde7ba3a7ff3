-- Where facts were read from. Each statement takes parallel runs of ids, days, contents and origins
-- and keeps those of facts recorded since the batch began. A transaction's versions are told by what
-- they say; of two prices or rates for one day the last is the one that stands.

-- name: transaction
INSERT INTO fact_origins (kind, id, day, recorded_at, version, origin)
SELECT DISTINCT ON (o.id, t.version)
       'transaction', o.id, NULL::date, t.recorded_at, t.version, o.origin
FROM unnest(%(ids)s::text[], %(contents)s::text[], %(origins)s::text[])
     WITH ORDINALITY AS o (id, content, origin, place)
JOIN transactions AS t
  ON t.transaction_id = o.id AND t.content_hash = o.content AND t.recorded_at >= %(since)s
WHERE NOT EXISTS (
    SELECT FROM fact_origins AS f
    WHERE f.kind = 'transaction' AND f.id = o.id AND f.recorded_at = t.recorded_at
      AND coalesce(f.version, t.version) = t.version
)
ORDER BY o.id, t.version, o.place

-- name: price
INSERT INTO fact_origins (kind, id, day, recorded_at, origin)
SELECT DISTINCT ON (o.id, o.day) 'price', o.id, o.day, p.recorded_at, o.origin
FROM unnest(%(ids)s::text[], %(days)s::date[], %(origins)s::text[])
     WITH ORDINALITY AS o (id, day, origin, place)
JOIN market_prices AS p
  ON p.security_id = o.id AND p.price_date = o.day AND p.superseded_at = 'infinity'
 AND p.recorded_at >= %(since)s
WHERE NOT EXISTS (
    SELECT FROM fact_origins AS f
    WHERE f.kind = 'price' AND f.id = o.id AND f.day = o.day AND f.recorded_at = p.recorded_at
)
ORDER BY o.id, o.day, o.place DESC

-- name: rate
INSERT INTO fact_origins (kind, id, day, recorded_at, origin)
SELECT DISTINCT ON (o.id, o.day) 'rate', o.id, o.day, r.recorded_at, o.origin
FROM unnest(%(ids)s::text[], %(days)s::date[], %(origins)s::text[])
     WITH ORDINALITY AS o (id, day, origin, place)
JOIN fx_rates AS r
  ON r.from_currency = split_part(o.id, '/', 1) AND r.to_currency = split_part(o.id, '/', 2)
 AND r.rate_date = o.day AND r.superseded_at = 'infinity' AND r.recorded_at >= %(since)s
WHERE NOT EXISTS (
    SELECT FROM fact_origins AS f
    WHERE f.kind = 'rate' AND f.id = o.id AND f.day = o.day AND f.recorded_at = r.recorded_at
)
ORDER BY o.id, o.day, o.place DESC
