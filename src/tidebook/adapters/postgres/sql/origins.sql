-- Where facts were read from. Each statement takes parallel runs of ids, days and origins and keeps
-- those of facts recorded at the instant of the batch; of two for one fact the first.

-- name: transaction
INSERT INTO fact_origins (kind, id, day, recorded_at, origin)
SELECT DISTINCT ON (o.id) 'transaction', o.id, NULL::date, %(at)s, o.origin
FROM unnest(%(ids)s::text[], %(origins)s::text[]) WITH ORDINALITY AS o (id, origin, place)
WHERE EXISTS (
    SELECT FROM transactions AS t WHERE t.transaction_id = o.id AND t.recorded_at = %(at)s
)
ORDER BY o.id, o.place

-- name: price
INSERT INTO fact_origins (kind, id, day, recorded_at, origin)
SELECT DISTINCT ON (o.id, o.day) 'price', o.id, o.day, %(at)s, o.origin
FROM unnest(%(ids)s::text[], %(days)s::date[], %(origins)s::text[])
     WITH ORDINALITY AS o (id, day, origin, place)
WHERE EXISTS (
    SELECT FROM market_prices AS p
    WHERE p.security_id = o.id AND p.price_date = o.day AND p.recorded_at = %(at)s
)
ORDER BY o.id, o.day, o.place

-- name: rate
INSERT INTO fact_origins (kind, id, day, recorded_at, origin)
SELECT DISTINCT ON (o.id, o.day) 'rate', o.id, o.day, %(at)s, o.origin
FROM unnest(%(ids)s::text[], %(days)s::date[], %(origins)s::text[])
     WITH ORDINALITY AS o (id, day, origin, place)
WHERE EXISTS (
    SELECT FROM fx_rates AS r
    WHERE r.from_currency = split_part(o.id, '/', 1) AND r.to_currency = split_part(o.id, '/', 2)
      AND r.rate_date = o.day AND r.recorded_at = %(at)s
)
ORDER BY o.id, o.day, o.place
