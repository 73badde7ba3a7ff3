-- name: facts
SELECT t.transaction_id, t.version, t.content_hash, t.portfolio_id, t.business_date,
       t.main_security_id, t.cash_security_id,
       EXISTS (
           SELECT 1 FROM findings f
           WHERE f.transaction_id = t.transaction_id AND f.resolved_at = 'infinity'
             AND f.severity = 'waiting'),
       t.arrival_portfolio_id, t.arrival_security_id
FROM transactions t
WHERE t.transaction_id = ANY(%(ids)s) AND t.superseded_at = 'infinity'

-- name: contents
SELECT transaction_id, portfolio_id, security_id, type, traded_at, trade_date, quantity, price,
       gross, trade_currency, currency, fee, tax, accrued_interest, fx_rate, instrument_id,
       settlement_date, note, lots, to_portfolio_id, to_security_id, to_quantity
FROM transactions
WHERE transaction_id = ANY(%(ids)s) AND superseded_at = 'infinity'

-- name: lock_portfolios
SELECT portfolio_id, base_currency, open_date, name, status, cost_method, settlement, time_zone,
       allow_short, cost_method_changes, taxpayer_id, tax_short_term, tax_long_term,
       tax_long_term_months, generation
FROM portfolios
WHERE portfolio_id = ANY(%(ids)s)
ORDER BY portfolio_id
FOR UPDATE

-- name: related_portfolios
WITH RECURSIVE related AS (
    SELECT portfolio_id FROM unnest(%(ids)s::text[]) AS portfolio_id
    UNION
    SELECT l.linked_id FROM related r CROSS JOIN LATERAL (
        SELECT linked_id FROM folding_links WHERE portfolio_id = r.portfolio_id OFFSET 0
    ) l
)
SELECT portfolio_id FROM related

-- name: carries
SELECT transaction_id, portfolio_id, main_security_id, arrival_portfolio_id, arrival_security_id
FROM transactions
WHERE portfolio_id = ANY(%(ids)s) AND arrival_portfolio_id IS NOT NULL
  AND superseded_at = 'infinity' AND type <> 'CANCELLED'
UNION
SELECT transaction_id, portfolio_id, main_security_id, arrival_portfolio_id, arrival_security_id
FROM transactions
WHERE arrival_portfolio_id = ANY(%(ids)s) AND superseded_at = 'infinity'
  AND type <> 'CANCELLED'

-- name: states
-- A key that has lost all its entries has no state but its epoch, which must never be used again.
WITH keys AS (
    SELECT * FROM unnest(%(portfolios)s::text[], %(securities)s::text[])
        AS k (portfolio_id, security_id)
)
SELECT s.portfolio_id, s.security_id, s.epoch, s.currency, s.quantity, s.cost_local, s.cost_base,
       s.realised_local, s.realised_base, s.changed_on, s.last_on, s.last_at, s.last_rank,
       s.last_transaction_id, s.last_leg, s.lots
FROM position_state s JOIN keys USING (portfolio_id, security_id)
UNION ALL
SELECT portfolio_id, security_id, max(r.epoch), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
       NULL, NULL, NULL, NULL, NULL
FROM keys JOIN restatements r USING (portfolio_id, security_id)
WHERE NOT EXISTS (
    SELECT 1 FROM position_state s
    WHERE s.portfolio_id = keys.portfolio_id AND s.security_id = keys.security_id)
GROUP BY portfolio_id, security_id

-- name: key_facts
-- A transaction that was cancelled has no legs. Zero is sent as NULL: most costs are zero, and a
-- number takes far longer to send and to read.
WITH keys AS (
    SELECT * FROM unnest(%(portfolios)s::text[], %(securities)s::text[]) AS k (portfolio_id, key)
)
SELECT t.transaction_id, t.portfolio_id, t.security_id, t.type, t.traded_at, t.trade_date,
       t.quantity, t.price, t.gross, t.trade_currency, t.currency, nullif(t.fee, 0),
       nullif(t.tax, 0), nullif(t.accrued_interest, 0), t.fx_rate, t.instrument_id,
       t.settlement_date, t.note, t.lots, t.to_portfolio_id, t.to_security_id,
       nullif(t.to_quantity, 0), t.business_date, t.main_security_id, t.cash_security_id,
       t.arrival_portfolio_id, t.arrival_security_id
FROM transactions t JOIN keys k ON t.portfolio_id = k.portfolio_id AND t.main_security_id = k.key
WHERE t.superseded_at = 'infinity' AND t.type <> 'CANCELLED'
UNION ALL
SELECT t.transaction_id, t.portfolio_id, t.security_id, t.type, t.traded_at, t.trade_date,
       t.quantity, t.price, t.gross, t.trade_currency, t.currency, nullif(t.fee, 0),
       nullif(t.tax, 0), nullif(t.accrued_interest, 0), t.fx_rate, t.instrument_id,
       t.settlement_date, t.note, t.lots, t.to_portfolio_id, t.to_security_id,
       nullif(t.to_quantity, 0), t.business_date, t.main_security_id, t.cash_security_id,
       t.arrival_portfolio_id, t.arrival_security_id
FROM transactions t JOIN keys k ON t.portfolio_id = k.portfolio_id AND t.cash_security_id = k.key
WHERE t.superseded_at = 'infinity' AND t.type <> 'CANCELLED' AND k.key LIKE 'CASH%%'
  AND t.main_security_id <> t.cash_security_id
UNION ALL
SELECT t.transaction_id, t.portfolio_id, t.security_id, t.type, t.traded_at, t.trade_date,
       t.quantity, t.price, t.gross, t.trade_currency, t.currency, nullif(t.fee, 0),
       nullif(t.tax, 0), nullif(t.accrued_interest, 0), t.fx_rate, t.instrument_id,
       t.settlement_date, t.note, t.lots, t.to_portfolio_id, t.to_security_id,
       nullif(t.to_quantity, 0), t.business_date, t.main_security_id, t.cash_security_id,
       t.arrival_portfolio_id, t.arrival_security_id
FROM transactions t
JOIN keys k ON t.arrival_portfolio_id = k.portfolio_id AND t.arrival_security_id = k.key
WHERE t.superseded_at = 'infinity' AND t.type <> 'CANCELLED'

-- name: waiting
SELECT transaction_id FROM findings
WHERE portfolio_id = ANY(%(portfolios)s) AND resolved_at = 'infinity' AND severity = 'waiting'

-- name: refusals
SELECT waits_for, max(business_date) FROM findings
WHERE waits_for = ANY(%(subjects)s) AND resolved_at = 'infinity' AND severity = 'waiting'
GROUP BY waits_for

-- name: orders
SELECT business_date, at, rank, transaction_id, leg FROM entries
WHERE portfolio_id = %(portfolio_id)s AND security_id = %(security_id)s
  AND superseded_at = 'infinity' AND transaction_id <> ALL(%(without)s)

-- name: key_entries
SELECT e.portfolio_id, e.security_id, e.transaction_id, e.leg, e.type, e.business_date, e.at,
       e.rank, e.currency, e.fx_rate, e.amount, e.quantity, e.cost_local, e.cost_base,
       e.realised_local, e.realised_base, e.realised_price, e.realised_currency, e.matches::text,
       e.classification, e.timing, e.is_portfolio_flow, e.cash_amount, e.position_flow,
       e.flow_base, e.opens::text
FROM entries e
JOIN unnest(%(portfolios)s::text[], %(securities)s::text[]) AS k (portfolio_id, security_id)
  USING (portfolio_id, security_id)
WHERE e.superseded_at = 'infinity' AND (%(ids)s::text[] IS NULL OR e.transaction_id = ANY(%(ids)s))

-- name: take_work
-- The portfolios that are next are those of the first keys: no others are looked at.
WITH first AS (
    SELECT portfolio_id FROM book_work WHERE portfolio_id <> ALL(%(spared)s)
    ORDER BY requested_at, portfolio_id
    LIMIT %(limit)s
), asking AS (
    SELECT portfolio_id, count(*) AS keys, min(requested_at) AS since
    FROM book_work WHERE portfolio_id IN (SELECT portfolio_id FROM first) GROUP BY portfolio_id
), queue AS (
    SELECT portfolio_id, keys, sum(keys) OVER (ORDER BY since, portfolio_id) AS taken FROM asking
)
DELETE FROM book_work
WHERE (portfolio_id, security_id) IN (
    SELECT w.portfolio_id, w.security_id FROM book_work w JOIN queue q USING (portfolio_id)
    WHERE q.taken <= %(limit)s OR q.taken = q.keys
    FOR UPDATE OF w SKIP LOCKED)
RETURNING portfolio_id, security_id, from_date, reason, causes

-- name: last_recorded
SELECT max(recorded_at) FROM (
    SELECT s.recorded_at FROM position_state s
    JOIN unnest(%(portfolios)s::text[], %(securities)s::text[]) AS k (portfolio_id, security_id)
      USING (portfolio_id, security_id)
    UNION ALL
    SELECT r.recorded_at FROM restatements r
    JOIN unnest(%(portfolios)s::text[], %(securities)s::text[]) AS k (portfolio_id, security_id)
      USING (portfolio_id, security_id)
    UNION ALL
    SELECT t.recorded_at FROM transactions t
    WHERE t.transaction_id = ANY(%(ids)s) AND t.superseded_at = 'infinity') AS closing

-- name: close_facts
UPDATE transactions SET superseded_at = %(at)s
WHERE transaction_id = ANY(%(ids)s) AND superseded_at = 'infinity'

-- name: replace_accounts
WITH kept AS (
    INSERT INTO past_bookings
        (transaction_id, version, business_date, main_security_id, cash_security_id,
         arrival_portfolio_id, arrival_security_id, superseded_at)
    SELECT t.transaction_id, t.version, t.business_date, t.main_security_id, t.cash_security_id,
           t.arrival_portfolio_id, t.arrival_security_id,
           GREATEST(%(at)s, t.recorded_at + interval '1 microsecond',
                    max(b.superseded_at) + interval '1 microsecond')
    FROM transactions t LEFT JOIN past_bookings b USING (transaction_id, version)
    WHERE t.transaction_id = ANY(%(ids)s) AND t.superseded_at = 'infinity'
    GROUP BY t.transaction_id, t.version
)
UPDATE transactions t
SET business_date = r.business_date, main_security_id = r.main, cash_security_id = r.cash,
    arrival_portfolio_id = r.arrival_portfolio_id, arrival_security_id = r.arrival_security_id
FROM unnest(%(ids)s::text[], %(days)s::date[], %(mains)s::text[], %(cashes)s::text[],
            %(to_portfolios)s::text[], %(to_securities)s::text[])
     AS r (transaction_id, business_date, main, cash, arrival_portfolio_id, arrival_security_id)
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
    last_leg = excluded.last_leg, lots = excluded.lots,
    -- It stands for all entries of the key, and clocks step back.
    recorded_at = GREATEST(s.recorded_at, excluded.recorded_at)

-- name: drop_states
DELETE FROM position_state s
USING unnest(%(portfolios)s::text[], %(securities)s::text[]) AS k (portfolio_id, security_id)
WHERE s.portfolio_id = k.portfolio_id AND s.security_id = k.security_id

-- name: stage_findings
CREATE TEMPORARY TABLE IF NOT EXISTS new_findings (LIKE findings INCLUDING DEFAULTS)
    ON COMMIT DELETE ROWS

-- name: resolve_findings
UPDATE findings f SET resolved_at = %(at)s
WHERE f.transaction_id = ANY(%(ids)s) AND f.resolved_at = 'infinity' AND NOT EXISTS (
    SELECT 1 FROM new_findings n
    WHERE n.transaction_id = f.transaction_id AND n.code = f.code AND n.severity = f.severity
      AND n.portfolio_id = f.portfolio_id AND n.security_id = f.security_id
      AND n.business_date = f.business_date AND n.sentence = f.sentence AND n.remedy = f.remedy
      AND n.waits_for IS NOT DISTINCT FROM f.waits_for)

-- name: insert_findings
INSERT INTO findings
SELECT n.* FROM new_findings n
WHERE NOT EXISTS (
    SELECT 1 FROM findings f
    WHERE f.transaction_id = n.transaction_id AND f.code = n.code AND f.resolved_at = 'infinity')

-- name: bump_portfolios
UPDATE portfolios p SET
    generation = p.generation + 1,
    series_from = LEAST(p.series_from, r.dirty)
FROM unnest(%(ids)s::text[], %(generations)s::bigint[], %(dirty)s::date[])
     AS r (portfolio_id, generation, dirty)
WHERE p.portfolio_id = r.portfolio_id AND p.generation = r.generation
RETURNING 1

-- name: request_reprocessing
INSERT INTO book_work AS w
    (portfolio_id, security_id, from_date, reason, requested_at, causes)
SELECT k.portfolio_id, k.security_id, min(t.business_date), 'reprocessing was requested', %(at)s,
       (SELECT jsonb_agg(jsonb_build_array('request', asked.id, NULL))
        FROM unnest((array_agg(DISTINCT t.transaction_id))[1:20]) AS asked (id))
FROM transactions t
CROSS JOIN LATERAL (VALUES
    (t.portfolio_id, t.main_security_id),
    (t.portfolio_id, t.cash_security_id),
    (t.arrival_portfolio_id, t.arrival_security_id)) AS k (portfolio_id, security_id)
WHERE t.type <> 'CANCELLED' AND t.transaction_id = ANY(%(ids)s) AND t.superseded_at = 'infinity'
  AND k.security_id IS NOT NULL
GROUP BY 1, 2
ON CONFLICT (portfolio_id, security_id) DO UPDATE SET
    from_date = LEAST(w.from_date, excluded.from_date),
    causes = CASE WHEN jsonb_array_length(w.causes) < 20 THEN w.causes || excluded.causes
                  ELSE w.causes END

-- name: unfinished
SELECT EXISTS (SELECT 1 FROM book_work w
               WHERE cardinality(%(ids)s::text[]) = 0 OR w.portfolio_id = ANY(%(ids)s))
    OR EXISTS (SELECT 1 FROM portfolios p WHERE p.series_from IS NOT NULL
               AND (cardinality(%(ids)s::text[]) = 0 OR p.portfolio_id = ANY(%(ids)s)))
    OR EXISTS (SELECT 1 FROM market_marks m
               WHERE cardinality(%(ids)s::text[]) = 0 OR m.portfolio_id = ANY(%(ids)s))
