-- How facts came into the book. known_at is 'infinity' for now; each statement takes parallel runs
-- of places, ids, days and versions, and answers with the place of each fact that it finds.

-- name: transaction
SELECT w.place, t.version, t.recorded_at, t.correlation_id, o.origin
FROM unnest(%(places)s::int[], %(ids)s::text[], %(days)s::date[], %(versions)s::int[])
     AS w (place, id, day, version)
JOIN transactions AS t ON t.transaction_id = w.id
LEFT JOIN fact_origins AS o
  ON o.kind = 'transaction' AND o.id = w.id AND o.recorded_at = t.recorded_at
 AND coalesce(o.version, t.version) = t.version
WHERE CASE WHEN w.version IS NULL
           THEN t.recorded_at <= %(known_at)s::timestamptz
                AND (t.superseded_at = 'infinity' OR t.superseded_at > %(known_at)s::timestamptz)
           ELSE t.version = w.version END

-- name: price
SELECT w.place, p.version, p.recorded_at, NULL::text, o.origin
FROM unnest(%(places)s::int[], %(ids)s::text[], %(days)s::date[], %(versions)s::int[])
     AS w (place, id, day, version)
JOIN market_prices AS p ON p.security_id = w.id AND p.price_date = w.day
LEFT JOIN fact_origins AS o
  ON o.kind = 'price' AND o.id = w.id AND o.day = w.day AND o.recorded_at = p.recorded_at
WHERE p.recorded_at <= %(known_at)s::timestamptz
  AND (p.superseded_at = 'infinity' OR p.superseded_at > %(known_at)s::timestamptz)

-- name: rate
SELECT w.place, r.version, r.recorded_at, NULL::text, o.origin
FROM unnest(%(places)s::int[], %(ids)s::text[], %(days)s::date[], %(versions)s::int[])
     AS w (place, id, day, version)
JOIN fx_rates AS r
  ON r.from_currency = split_part(w.id, '/', 1) AND r.to_currency = split_part(w.id, '/', 2)
 AND r.rate_date = w.day
LEFT JOIN fact_origins AS o
  ON o.kind = 'rate' AND o.id = w.id AND o.day = w.day AND o.recorded_at = r.recorded_at
WHERE r.recorded_at <= %(known_at)s::timestamptz
  AND (r.superseded_at = 'infinity' OR r.superseded_at > %(known_at)s::timestamptz)

-- name: day
SELECT w.place, NULL::int, d.recorded_at, NULL::text, NULL::text
FROM unnest(%(places)s::int[], %(ids)s::text[], %(days)s::date[], %(versions)s::int[])
     AS w (place, id, day, version)
CROSS JOIN LATERAL (
    SELECT c.recorded_at FROM portfolio_days AS c
    WHERE c.portfolio_id = w.id AND c.day = w.day AND c.superseded_at = 'infinity'
    UNION ALL
    SELECT p.recorded_at FROM past_days AS p
    WHERE p.portfolio_id = w.id AND p.day = w.day
      AND p.superseded_at > %(known_at)s::timestamptz
) AS d
WHERE d.recorded_at <= %(known_at)s::timestamptz

-- name: action
SELECT w.place, a.version, a.recorded_at, NULL::text, NULL::text
FROM unnest(%(places)s::int[], %(ids)s::text[], %(days)s::date[], %(versions)s::int[])
     AS w (place, id, day, version)
JOIN corporate_actions AS a ON a.action_id = w.id
WHERE CASE WHEN w.version IS NULL
           THEN a.recorded_at <= %(known_at)s::timestamptz
                AND (a.superseded_at = 'infinity' OR a.superseded_at > %(known_at)s::timestamptz)
           ELSE a.version = w.version END
