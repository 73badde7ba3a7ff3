-- The data that portfolios rest on, one statement for each kind whatever the number of positions.
-- known_at is 'infinity' for now.

-- name: positions_now
SELECT s.portfolio_id, s.security_id, s.currency, s.quantity, s.cost_base
FROM position_state AS s
WHERE s.portfolio_id = ANY(%(portfolio_ids)s) AND s.quantity <> 0
ORDER BY s.portfolio_id COLLATE "C", s.security_id COLLATE "C"

-- name: positions_at
SELECT e.portfolio_id, e.security_id, min(e.currency), sum(e.quantity), sum(e.cost_base)
FROM entries AS e
WHERE e.portfolio_id = ANY(%(portfolio_ids)s) AND e.business_date <= %(as_of)s::date
  AND e.recorded_at <= %(known_at)s::timestamptz
  AND (e.superseded_at = 'infinity' OR e.superseded_at > %(known_at)s::timestamptz)
GROUP BY e.portfolio_id, e.security_id
HAVING sum(e.quantity) <> 0
ORDER BY e.portfolio_id COLLATE "C", e.security_id COLLATE "C"

-- name: last_prices
SELECT wanted.security_id, wanted.day, q.price_date, q.price, q.currency
FROM unnest(%(security_ids)s::text[], %(days)s::date[]) AS wanted (security_id, day)
CROSS JOIN LATERAL (
    SELECT p.price_date, p.price, p.currency
    FROM market_prices AS p
    WHERE p.security_id = wanted.security_id AND p.price_date <= wanted.day
      AND p.recorded_at <= %(known_at)s::timestamptz
      AND (p.superseded_at = 'infinity' OR p.superseded_at > %(known_at)s::timestamptz)
    ORDER BY p.price_date DESC
    LIMIT 1
) AS q

-- name: steps
SELECT e.portfolio_id, e.security_id, e.business_date, sum(e.quantity)
FROM entries AS e
JOIN unnest(%(portfolio_ids)s::text[], %(security_ids)s::text[]) AS k (portfolio_id, security_id)
    ON k.portfolio_id = e.portfolio_id AND k.security_id = e.security_id
WHERE e.business_date <= %(as_of)s::date AND e.recorded_at <= %(known_at)s::timestamptz
  AND (e.superseded_at = 'infinity' OR e.superseded_at > %(known_at)s::timestamptz)
GROUP BY e.portfolio_id, e.security_id, e.business_date
HAVING sum(e.quantity) <> 0
ORDER BY e.portfolio_id, e.security_id, e.business_date

-- name: waiting
SELECT f.portfolio_id, f.code, t.transaction_id, t.type, t.security_id, t.business_date, t.gross,
       t.trade_currency, f.sentence, f.remedy
FROM findings AS f
JOIN transactions AS t
    ON t.transaction_id = f.transaction_id AND t.recorded_at <= %(known_at)s::timestamptz
   AND (t.superseded_at = 'infinity' OR t.superseded_at > %(known_at)s::timestamptz)
WHERE f.portfolio_id = ANY(%(portfolio_ids)s) AND f.severity = 'waiting'
  AND f.business_date <= %(as_of)s::date AND f.recorded_at <= %(known_at)s::timestamptz
  AND (f.resolved_at = 'infinity' OR f.resolved_at > %(known_at)s::timestamptz)
ORDER BY t.business_date, t.transaction_id COLLATE "C"

-- name: twins
SELECT t.portfolio_id, array_agg(t.transaction_id ORDER BY t.transaction_id COLLATE "C"), t.type,
       t.security_id, t.business_date, t.gross, t.trade_currency
FROM transactions AS t
WHERE t.portfolio_id = ANY(%(portfolio_ids)s) AND t.business_date <= %(as_of)s::date
  AND t.type <> 'CANCELLED' AND t.recorded_at <= %(known_at)s::timestamptz
  AND (t.superseded_at = 'infinity' OR t.superseded_at > %(known_at)s::timestamptz)
GROUP BY t.portfolio_id, t.type, t.security_id, t.business_date, t.quantity, t.price, t.gross,
         t.trade_currency
HAVING count(*) > 1
ORDER BY t.business_date, 2

-- name: unpriced_trades
SELECT t.portfolio_id, ARRAY[t.transaction_id], t.type, t.security_id, t.business_date, t.gross,
       t.trade_currency
FROM transactions AS t
WHERE t.portfolio_id = ANY(%(portfolio_ids)s) AND t.business_date <= %(as_of)s::date
  AND t.type IN ('BUY', 'SELL') AND t.price = 0
  AND t.recorded_at <= %(known_at)s::timestamptz
  AND (t.superseded_at = 'infinity' OR t.superseded_at > %(known_at)s::timestamptz)
ORDER BY t.business_date, t.transaction_id COLLATE "C"

-- name: held_count
SELECT count(DISTINCT security_id) FROM position_state
WHERE portfolio_id = ANY(%(portfolio_ids)s) AND quantity <> 0

-- name: count
SELECT count(*) FROM portfolios

-- name: unassigned
SELECT f.portfolio_id, count(DISTINCT f.transaction_id)
FROM findings AS f
WHERE f.resolved_at = 'infinity' AND f.severity = 'waiting'
  AND NOT EXISTS (SELECT FROM portfolios AS p WHERE p.portfolio_id = f.portfolio_id)
GROUP BY f.portfolio_id
ORDER BY f.portfolio_id COLLATE "C"
LIMIT %(limit)s
