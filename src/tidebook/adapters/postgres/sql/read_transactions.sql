-- Transactions, what each did to the book, and what is to be said about it. known_at is 'infinity'
-- for now, start and end are infinities where open.

-- name: believed
-- In the place of transactions: on the day and keys that each version was booked on at an instant.
(
    SELECT t.transaction_id, t.portfolio_id, t.security_id, t.type, t.traded_at, t.trade_date,
           t.quantity, t.price, t.gross, t.trade_currency, t.currency, t.fee, t.tax,
           t.accrued_interest, t.fx_rate, t.instrument_id, t.settlement_date, t.note, t.lots,
           t.to_portfolio_id, t.to_security_id, t.to_quantity, t.version,
           coalesce(b.business_date, t.business_date) AS business_date, t.recorded_at,
           coalesce(b.main_security_id, t.main_security_id) AS main_security_id,
           CASE WHEN b.business_date IS NULL THEN t.cash_security_id
                ELSE b.cash_security_id END AS cash_security_id,
           CASE WHEN b.business_date IS NULL THEN t.arrival_portfolio_id
                ELSE b.arrival_portfolio_id END AS arrival_portfolio_id,
           CASE WHEN b.business_date IS NULL THEN t.arrival_security_id
                ELSE b.arrival_security_id END AS arrival_security_id,
           t.superseded_at
    FROM transactions AS t
    LEFT JOIN LATERAL (
        SELECT p.business_date, p.main_security_id, p.cash_security_id,
               p.arrival_portfolio_id, p.arrival_security_id
        FROM past_bookings AS p
        WHERE p.transaction_id = t.transaction_id AND p.version = t.version
          AND p.superseded_at > %(known_at)s::timestamptz
        ORDER BY p.superseded_at LIMIT 1
    ) AS b ON true
)

-- name: count
SELECT count(*)
FROM transactions AS t
WHERE (t.portfolio_id = %(portfolio_id)s OR t.arrival_portfolio_id = %(portfolio_id)s)
  AND (%(security_id)s::text IS NULL
       OR t.security_id = %(security_id)s OR t.main_security_id = %(security_id)s
       OR t.arrival_security_id = %(security_id)s)
  AND t.business_date BETWEEN %(start)s::date AND %(end)s::date
  AND t.recorded_at <= %(known_at)s::timestamptz
  AND (t.superseded_at = 'infinity' OR t.superseded_at > %(known_at)s::timestamptz)

-- name: page
SELECT t.transaction_id, t.portfolio_id, t.security_id, t.type, t.traded_at, t.trade_date,
       t.quantity, t.price, t.gross, t.trade_currency, t.currency, t.fee, t.tax,
       t.accrued_interest, t.fx_rate, t.instrument_id, t.settlement_date, t.note, t.lots,
       t.to_portfolio_id, t.to_security_id, t.to_quantity,
       t.version, t.business_date, t.recorded_at, t.main_security_id, t.cash_security_id,
       t.arrival_portfolio_id, t.arrival_security_id
FROM transactions AS t
WHERE (t.portfolio_id = %(portfolio_id)s OR t.arrival_portfolio_id = %(portfolio_id)s)
  AND (%(security_id)s::text IS NULL
       OR t.security_id = %(security_id)s OR t.main_security_id = %(security_id)s
       OR t.arrival_security_id = %(security_id)s)
  AND t.business_date BETWEEN %(start)s::date AND %(end)s::date
  AND t.recorded_at <= %(known_at)s::timestamptz
  AND (t.superseded_at = 'infinity' OR t.superseded_at > %(known_at)s::timestamptz)
ORDER BY :order
OFFSET %(skip)s LIMIT %(limit)s

-- name: transaction
SELECT t.transaction_id, t.portfolio_id, t.security_id, t.type, t.traded_at, t.trade_date,
       t.quantity, t.price, t.gross, t.trade_currency, t.currency, t.fee, t.tax,
       t.accrued_interest, t.fx_rate, t.instrument_id, t.settlement_date, t.note, t.lots,
       t.to_portfolio_id, t.to_security_id, t.to_quantity,
       t.version, t.business_date, t.recorded_at, t.main_security_id, t.cash_security_id,
       t.arrival_portfolio_id, t.arrival_security_id
FROM transactions AS t
WHERE t.transaction_id = %(transaction_id)s
  AND t.recorded_at <= %(known_at)s::timestamptz
  AND (t.superseded_at = 'infinity' OR t.superseded_at > %(known_at)s::timestamptz)

-- name: is_known
SELECT 1 FROM transactions
WHERE transaction_id = %(transaction_id)s AND superseded_at = 'infinity'

-- name: entries
SELECT e.transaction_id, e.type, e.business_date, e.at, e.portfolio_id, e.security_id, e.leg,
       e.epoch, e.quantity, e.cost_local, e.cost_base, e.realised_local, e.realised_base,
       e.realised_price, e.realised_currency, e.fx_rate, e.currency, e.classification, e.timing,
       e.is_portfolio_flow, e.cash_amount, e.position_flow, e.matches, e.opens
FROM (
    SELECT transaction_id, portfolio_id, security_id, leg, type, business_date, at, rank, epoch, quantity,
           cost_local, cost_base, realised_local, realised_base, realised_price, realised_currency,
           fx_rate, currency, classification, timing, is_portfolio_flow, cash_amount,
           position_flow, matches, opens
    FROM entries
    WHERE portfolio_id = ANY(%(portfolio_ids)s) AND security_id = ANY(%(security_ids)s)
      AND transaction_id = ANY(%(transaction_ids)s)
      AND superseded_at = 'infinity' AND recorded_at <= %(known_at)s::timestamptz
    UNION ALL
    SELECT transaction_id, portfolio_id, security_id, leg, type, business_date, at, rank, epoch, quantity,
           cost_local, cost_base, realised_local, realised_base, realised_price, realised_currency,
           fx_rate, currency, classification, timing, is_portfolio_flow, cash_amount,
           position_flow, matches, opens
    FROM entries
    WHERE portfolio_id = ANY(%(portfolio_ids)s) AND transaction_id = ANY(%(transaction_ids)s)
      AND superseded_at < 'infinity' AND superseded_at > %(known_at)s::timestamptz
      AND recorded_at <= %(known_at)s::timestamptz
) AS e
ORDER BY e.transaction_id COLLATE "C", e.leg DESC

-- name: action_entries
SELECT e.transaction_id, e.type, e.business_date, e.at, e.portfolio_id, e.security_id, e.leg,
       e.epoch, e.quantity, e.cost_local, e.cost_base, e.realised_local, e.realised_base,
       e.realised_price, e.realised_currency, e.fx_rate, e.currency, e.classification, e.timing,
       e.is_portfolio_flow, e.cash_amount, e.position_flow, e.matches, e.opens
FROM entries AS e
WHERE e.portfolio_id = %(portfolio_id)s AND e.transaction_id = ANY(%(transaction_ids)s)
  AND e.recorded_at <= %(known_at)s::timestamptz
  AND (e.superseded_at = 'infinity' OR e.superseded_at > %(known_at)s::timestamptz)
ORDER BY e.transaction_id COLLATE "C", e.leg DESC

-- name: portfolio_entries
-- Whatever fact they follow from: a transaction, one of another portfolio, a corporate action.
SELECT e.transaction_id, e.type, e.business_date, e.at, e.portfolio_id, e.security_id, e.leg,
       e.epoch, e.quantity, e.cost_local, e.cost_base, e.realised_local, e.realised_base,
       e.realised_price, e.realised_currency, e.fx_rate, e.currency, e.classification, e.timing,
       e.is_portfolio_flow, e.cash_amount, e.position_flow, e.matches, e.opens
FROM (
    SELECT transaction_id, portfolio_id, security_id, leg, type, business_date, at, rank, epoch, quantity,
           cost_local, cost_base, realised_local, realised_base, realised_price, realised_currency,
           fx_rate, currency, classification, timing, is_portfolio_flow, cash_amount,
           position_flow, matches, opens
    FROM entries
    WHERE portfolio_id = %(portfolio_id)s
      AND (%(security_id)s::text IS NULL OR security_id = %(security_id)s)
      AND business_date BETWEEN %(start)s::date AND %(end)s::date
      AND (NOT %(realised)s OR realised_base <> 0 OR (realised_base = 0 AND matches IS NOT NULL))
      AND superseded_at = 'infinity' AND recorded_at <= %(known_at)s::timestamptz
    UNION ALL
    SELECT transaction_id, portfolio_id, security_id, leg, type, business_date, at, rank, epoch, quantity,
           cost_local, cost_base, realised_local, realised_base, realised_price, realised_currency,
           fx_rate, currency, classification, timing, is_portfolio_flow, cash_amount,
           position_flow, matches, opens
    FROM entries
    WHERE portfolio_id = %(portfolio_id)s
      AND (%(security_id)s::text IS NULL OR security_id = %(security_id)s)
      AND business_date BETWEEN %(start)s::date AND %(end)s::date
      AND (NOT %(realised)s OR realised_base <> 0 OR (realised_base = 0 AND matches IS NOT NULL))
      AND superseded_at < 'infinity' AND superseded_at > %(known_at)s::timestamptz
      AND recorded_at <= %(known_at)s::timestamptz
) AS e
ORDER BY e.security_id COLLATE "C", e.business_date, e.at, e.rank,
         e.transaction_id COLLATE "C", e.leg COLLATE "C"

-- name: findings
SELECT f.code, f.severity, f.transaction_id, f.sentence, f.remedy, f.waits_for
FROM findings AS f
WHERE f.portfolio_id = ANY(%(portfolio_ids)s) AND f.transaction_id = ANY(%(transaction_ids)s)
  AND f.recorded_at <= %(known_at)s::timestamptz
  AND (f.resolved_at = 'infinity' OR f.resolved_at > %(known_at)s::timestamptz)
ORDER BY f.transaction_id COLLATE "C", f.severity = 'waiting' DESC, f.code COLLATE "C"
