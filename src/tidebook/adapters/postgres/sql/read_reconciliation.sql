-- What others state about a portfolio, and what the book has for the same keys. known_at and as_of
-- are 'infinity' for now and for whatever was booked. Rows still current are named apart so that
-- their partial index serves; the order inside a key is that of Posting.order.

-- name: assertions
SELECT assertion_id, portfolio_id, security_id, assertion_date, quantity, tolerance, source, note,
       is_cancelled
FROM balance_assertions
WHERE portfolio_id = %(portfolio_id)s AND assertion_date <= %(as_of)s::date
  AND recorded_at <= %(known_at)s::timestamptz
  AND (superseded_at = 'infinity' OR superseded_at > %(known_at)s::timestamptz)
  AND NOT is_cancelled
ORDER BY security_id COLLATE "C", assertion_date, assertion_id COLLATE "C"

-- name: movements
SELECT e.security_id, e.transaction_id, e.type, e.business_date, e.quantity, t.settlement_date
FROM (
    SELECT security_id, transaction_id, leg, type, business_date, at, rank, quantity
    FROM entries
    WHERE portfolio_id = %(portfolio_id)s AND security_id = ANY(%(security_ids)s)
      AND business_date <= %(as_of)s::date AND quantity <> 0
      AND superseded_at = 'infinity' AND recorded_at <= %(known_at)s::timestamptz
    UNION ALL
    SELECT security_id, transaction_id, leg, type, business_date, at, rank, quantity
    FROM entries
    WHERE portfolio_id = %(portfolio_id)s AND security_id = ANY(%(security_ids)s)
      AND business_date <= %(as_of)s::date AND quantity <> 0
      AND superseded_at < 'infinity' AND superseded_at > %(known_at)s::timestamptz
      AND recorded_at <= %(known_at)s::timestamptz
) AS e
LEFT JOIN transactions AS t
    ON t.transaction_id = e.transaction_id AND t.recorded_at <= %(known_at)s::timestamptz
   AND (t.superseded_at = 'infinity' OR t.superseded_at > %(known_at)s::timestamptz)
ORDER BY e.security_id COLLATE "C", e.business_date, e.at, e.rank,
         e.transaction_id COLLATE "C", e.leg COLLATE "C"

-- name: waiting
SELECT t.transaction_id, t.portfolio_id, t.security_id, t.type, t.traded_at, t.trade_date,
       t.quantity, t.price, t.gross, t.trade_currency, t.currency, t.fee, t.tax,
       t.accrued_interest, t.fx_rate, t.instrument_id, t.settlement_date, t.note,
       t.lots, t.to_portfolio_id, t.to_security_id, t.to_quantity, t.business_date,
       t.main_security_id, f.sentence
FROM findings AS f
JOIN transactions AS t
    ON t.transaction_id = f.transaction_id AND t.recorded_at <= %(known_at)s::timestamptz
   AND (t.superseded_at = 'infinity' OR t.superseded_at > %(known_at)s::timestamptz)
WHERE f.portfolio_id = %(portfolio_id)s AND f.severity = 'waiting'
  AND f.business_date <= %(as_of)s::date AND f.recorded_at <= %(known_at)s::timestamptz
  AND (f.resolved_at = 'infinity' OR f.resolved_at > %(known_at)s::timestamptz)
ORDER BY t.business_date, t.transaction_id COLLATE "C"

-- name: held
SELECT e.security_id, sum(e.quantity)
FROM (
    SELECT security_id, quantity FROM entries
    WHERE portfolio_id = %(portfolio_id)s AND business_date <= %(on)s::date
      AND superseded_at = 'infinity' AND recorded_at <= %(known_at)s::timestamptz
    UNION ALL
    SELECT security_id, quantity FROM entries
    WHERE portfolio_id = %(portfolio_id)s AND business_date <= %(on)s::date
      AND superseded_at < 'infinity' AND superseded_at > %(known_at)s::timestamptz
      AND recorded_at <= %(known_at)s::timestamptz
) AS e
GROUP BY e.security_id
HAVING sum(e.quantity) <> 0
