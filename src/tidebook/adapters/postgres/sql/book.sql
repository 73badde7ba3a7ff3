-- name: facts
SELECT t.transaction_id, t.version, t.content_hash, t.portfolio_id, t.business_date,
       t.main_security_id, t.cash_security_id,
       EXISTS (
           SELECT 1 FROM findings f
           WHERE f.transaction_id = t.transaction_id AND f.resolved_at = 'infinity'
             AND f.severity = 'waiting')
FROM transactions t
WHERE t.transaction_id = ANY(%(ids)s) AND t.superseded_at = 'infinity'

-- name: lock_portfolios
SELECT portfolio_id, base_currency, open_date, name, status, cost_method, settlement, time_zone,
       allow_short, generation
FROM portfolios
WHERE portfolio_id = ANY(%(ids)s)
ORDER BY portfolio_id
FOR UPDATE

-- name: states
SELECT s.portfolio_id, s.security_id, s.epoch, s.currency, s.quantity, s.cost_local, s.cost_base,
       s.realised_local, s.realised_base, s.changed_on, s.last_on, s.last_at, s.last_rank,
       s.last_transaction_id, s.last_leg, s.lots
FROM position_state s
JOIN unnest(%(portfolios)s::text[], %(securities)s::text[]) AS k (portfolio_id, security_id)
  USING (portfolio_id, security_id)

-- name: key_transactions
SELECT t.transaction_id, t.portfolio_id, t.security_id, t.type, t.traded_at, t.trade_date,
       t.quantity, t.price, t.gross, t.trade_currency, t.currency, t.fee, t.tax,
       t.accrued_interest, t.fx_rate, t.instrument_id, t.settlement_date, t.note
FROM transactions t
JOIN unnest(%(portfolios)s::text[], %(securities)s::text[]) AS k (portfolio_id, security_id)
  ON t.portfolio_id = k.portfolio_id
 AND (t.main_security_id = k.security_id OR k.security_id LIKE 'CASH%%')
WHERE t.superseded_at = 'infinity'

-- name: waiting
SELECT f.transaction_id
FROM findings f
JOIN unnest(%(portfolios)s::text[], %(securities)s::text[]) AS k (portfolio_id, security_id)
  ON f.portfolio_id = k.portfolio_id
 AND (f.security_id = k.security_id OR k.security_id LIKE 'CASH%%')
WHERE f.resolved_at = 'infinity' AND f.severity = 'waiting'

-- name: key_entries
SELECT e.portfolio_id, e.security_id, e.transaction_id, e.leg, e.type, e.business_date, e.at,
       e.rank, e.currency, e.fx_rate, e.amount, e.quantity, e.cost_local, e.cost_base,
       e.realised_local, e.realised_base, e.realised_price, e.realised_currency, e.matches::text,
       e.classification, e.timing, e.is_portfolio_flow, e.cash_amount, e.position_flow,
       e.flow_base
FROM entries e
JOIN unnest(%(portfolios)s::text[], %(securities)s::text[]) AS k (portfolio_id, security_id)
  USING (portfolio_id, security_id)
WHERE e.superseded_at = 'infinity' AND (%(ids)s::text[] IS NULL OR e.transaction_id = ANY(%(ids)s))

-- name: take_work
DELETE FROM book_work
WHERE (portfolio_id, security_id) IN (
    SELECT portfolio_id, security_id FROM book_work
    ORDER BY requested_at, portfolio_id, security_id
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED)
RETURNING portfolio_id, security_id, from_date, reason

-- name: close_facts
UPDATE transactions SET superseded_at = %(at)s
WHERE transaction_id = ANY(%(ids)s) AND superseded_at = 'infinity'

-- name: replace_accounts
UPDATE transactions t
SET business_date = r.business_date, main_security_id = r.main, cash_security_id = r.cash
FROM unnest(%(ids)s::text[], %(days)s::date[], %(mains)s::text[], %(cashes)s::text[])
     AS r (transaction_id, business_date, main, cash)
WHERE t.transaction_id = r.transaction_id AND t.superseded_at = 'infinity'

-- name: close_entries
UPDATE entries e SET superseded_at = %(at)s
FROM unnest(%(portfolios)s::text[], %(securities)s::text[], %(ids)s::text[], %(legs)s::text[])
     AS c (portfolio_id, security_id, transaction_id, leg)
WHERE e.portfolio_id = c.portfolio_id AND e.security_id = c.security_id
  AND e.transaction_id = c.transaction_id AND e.leg = c.leg AND e.superseded_at = 'infinity'

-- name: stage_states
CREATE TEMPORARY TABLE IF NOT EXISTS new_states (LIKE position_state) ON COMMIT DELETE ROWS

-- name: merge_states
INSERT INTO position_state AS s SELECT * FROM new_states
ON CONFLICT (portfolio_id, security_id) DO UPDATE SET
    epoch = excluded.epoch, currency = excluded.currency, quantity = excluded.quantity,
    cost_local = excluded.cost_local, cost_base = excluded.cost_base,
    realised_local = excluded.realised_local, realised_base = excluded.realised_base,
    changed_on = excluded.changed_on, last_on = excluded.last_on, last_at = excluded.last_at,
    last_rank = excluded.last_rank, last_transaction_id = excluded.last_transaction_id,
    last_leg = excluded.last_leg, lots = excluded.lots, recorded_at = excluded.recorded_at

-- name: resolve_findings
UPDATE findings SET resolved_at = %(at)s
WHERE transaction_id = ANY(%(ids)s) AND resolved_at = 'infinity'

-- name: bump_portfolios
UPDATE portfolios p SET
    generation = p.generation + 1,
    series_from = LEAST(p.series_from, r.dirty)
FROM unnest(%(ids)s::text[], %(generations)s::bigint[], %(dirty)s::date[])
     AS r (portfolio_id, generation, dirty)
WHERE p.portfolio_id = r.portfolio_id AND p.generation = r.generation

-- name: request_reprocessing
INSERT INTO book_work AS w (portfolio_id, security_id, from_date, reason, requested_at)
SELECT t.portfolio_id, k.security_id, min(t.business_date), 'reprocessing was requested', %(at)s
FROM transactions t
CROSS JOIN LATERAL (VALUES (t.main_security_id), (t.cash_security_id)) AS k (security_id)
WHERE t.transaction_id = ANY(%(ids)s) AND t.superseded_at = 'infinity'
  AND k.security_id IS NOT NULL
GROUP BY 1, 2
ON CONFLICT (portfolio_id, security_id)
DO UPDATE SET from_date = LEAST(w.from_date, excluded.from_date)

-- name: unfinished
SELECT EXISTS (SELECT 1 FROM book_work w
               WHERE cardinality(%(ids)s::text[]) = 0 OR w.portfolio_id = ANY(%(ids)s))
    OR EXISTS (SELECT 1 FROM portfolios p WHERE p.series_from IS NOT NULL
               AND (cardinality(%(ids)s::text[]) = 0 OR p.portfolio_id = ANY(%(ids)s)))
