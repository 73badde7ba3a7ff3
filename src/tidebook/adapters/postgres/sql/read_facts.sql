-- The facts that books follow from, and what the store derived from them. known_at is 'infinity'
-- for now. Rows still current are named apart so that their partial indexes serve.

-- name: related_then
WITH RECURSIVE carried AS (
    SELECT portfolio_id, arrival_portfolio_id
    FROM transactions
    WHERE arrival_portfolio_id IS NOT NULL AND type <> 'CANCELLED'
      AND recorded_at <= %(known_at)s::timestamptz
      AND (superseded_at = 'infinity' OR superseded_at > %(known_at)s::timestamptz)
), pools AS (
    SELECT portfolio_id, pools_with FROM portfolio_versions
    WHERE pools_with IS NOT NULL AND recorded_at <= %(known_at)s::timestamptz
      AND (superseded_at = 'infinity' OR superseded_at > %(known_at)s::timestamptz)
), related AS (
    SELECT portfolio_id FROM unnest(%(ids)s::text[]) AS portfolio_id
    UNION
    SELECT other.portfolio_id
    FROM related r
    CROSS JOIN LATERAL (
        SELECT c.arrival_portfolio_id AS portfolio_id FROM carried c
        WHERE c.portfolio_id = r.portfolio_id
        UNION ALL
        SELECT c.portfolio_id FROM carried c WHERE c.arrival_portfolio_id = r.portfolio_id
        UNION ALL
        SELECT q.portfolio_id FROM pools p JOIN pools q USING (pools_with)
        WHERE p.portfolio_id = r.portfolio_id
    ) AS other
)
SELECT portfolio_id FROM related

-- name: related_groups
-- The portfolios of groups, and all that must be folded with them, by the name of the group.
WITH RECURSIVE related AS (
    SELECT name, portfolio_id FROM unnest(%(groups)s::text[], %(ids)s::text[]) AS g (name, portfolio_id)
    UNION
    SELECT r.name, l.linked_id FROM related r CROSS JOIN LATERAL (
        SELECT linked_id FROM folding_links WHERE portfolio_id = r.portfolio_id OFFSET 0
    ) l
)
SELECT name, portfolio_id FROM related

-- name: booked_in
SELECT DISTINCT portfolio_id FROM transactions
WHERE transaction_id = ANY(%(ids)s) AND recorded_at <= %(known_at)s::timestamptz
  AND (superseded_at = 'infinity' OR superseded_at > %(known_at)s::timestamptz)

-- name: portfolios
SELECT v.portfolio_id, v.base_currency, v.open_date, v.name, v.status, v.cost_method,
       v.settlement, v.time_zone, v.allow_short, v.risk_exposure, v.investment_time_horizon,
       v.portfolio_type, v.objective, v.booking_center, v.cif_id, v.is_leverage_allowed,
       v.advisor_id, v.close_date, v.cost_method_changes, v.taxpayer_id, v.tax_short_term,
       v.tax_long_term, v.tax_long_term_months,
       p.generation, p.valuation_version,
       EXISTS (SELECT FROM book_work AS w WHERE w.portfolio_id = p.portfolio_id), p.series_from
FROM portfolio_versions AS v JOIN portfolio_standings AS p USING (portfolio_id)
WHERE v.portfolio_id = ANY(%(ids)s) AND v.recorded_at <= %(known_at)s::timestamptz
  AND (v.superseded_at = 'infinity' OR v.superseded_at > %(known_at)s::timestamptz)

-- name: transactions
-- Zero is sent as NULL: most costs are zero, and a number takes far longer to send and to read.
SELECT t.transaction_id, t.portfolio_id, t.security_id, t.type, t.traded_at, t.trade_date,
       t.quantity, t.price, t.gross, t.trade_currency, t.currency, nullif(t.fee, 0),
       nullif(t.tax, 0), nullif(t.accrued_interest, 0), t.fx_rate, t.instrument_id,
       t.settlement_date, t.note, t.lots, t.to_portfolio_id, t.to_security_id,
       nullif(t.to_quantity, 0),
       t.business_date, t.main_security_id, t.cash_security_id, t.arrival_portfolio_id,
       t.arrival_security_id
FROM transactions AS t
WHERE t.portfolio_id = ANY(%(ids)s) AND t.superseded_at = 'infinity'

-- name: transactions_then
SELECT t.transaction_id, t.portfolio_id, t.security_id, t.type, t.traded_at, t.trade_date,
       t.quantity, t.price, t.gross, t.trade_currency, t.currency, nullif(t.fee, 0),
       nullif(t.tax, 0), nullif(t.accrued_interest, 0), t.fx_rate, t.instrument_id,
       t.settlement_date, t.note, t.lots, t.to_portfolio_id, t.to_security_id,
       nullif(t.to_quantity, 0)
FROM transactions AS t
WHERE t.portfolio_id = ANY(%(ids)s) AND t.recorded_at <= %(known_at)s::timestamptz
  AND (t.superseded_at = 'infinity' OR t.superseded_at > %(known_at)s::timestamptz)

-- name: concerned
-- The portfolios in whose book or value something would move; a key that is emptied has no state.
SELECT portfolio_id FROM position_state
WHERE security_id = ANY(%(securities)s) OR currency = ANY(%(currencies)s)
UNION
SELECT portfolio_id FROM portfolios
WHERE %(everyone)s OR (base_currency = ANY(%(currencies)s) AND generation > 0)
UNION
SELECT portfolio_id FROM findings
WHERE resolved_at = 'infinity' AND severity = 'waiting'
  AND (waits_for = ANY(%(subjects)s)
       OR (waits_for LIKE 'rate:%%' AND string_to_array(substr(waits_for, 6), '/')
           && %(currencies)s::text[]))
UNION
SELECT s.portfolio_id
FROM corporate_actions AS a
JOIN position_state AS s ON s.security_id IN (a.security_id, a.to_security_id)
WHERE a.action_id = ANY(%(actions)s) AND a.superseded_at = 'infinity'

-- name: sizes
-- Every portfolio with the number of its facts, those that nobody introduced among them.
SELECT coalesce(p.portfolio_id, t.portfolio_id), coalesce(t.facts, 0), p.pools_with,
       p.portfolio_id IS NOT NULL
FROM portfolios AS p
FULL JOIN (
    SELECT portfolio_id, count(*) AS facts FROM transactions
    WHERE superseded_at = 'infinity'
    GROUP BY portfolio_id
) AS t ON t.portfolio_id = p.portfolio_id
ORDER BY 1

-- name: carried
SELECT DISTINCT portfolio_id, arrival_portfolio_id FROM transactions
WHERE arrival_portfolio_id IS NOT NULL AND superseded_at = 'infinity' AND type <> 'CANCELLED'
  AND arrival_portfolio_id <> portfolio_id

-- name: entries
SELECT e.portfolio_id, e.security_id, e.transaction_id, e.leg, e.type, e.business_date, e.at,
       e.rank, e.currency, e.fx_rate, e.amount, e.quantity, e.cost_local, e.cost_base,
       e.realised_local, e.realised_base, e.realised_price, e.realised_currency, e.matches::text,
       e.classification, e.timing, e.is_portfolio_flow, e.cash_amount, e.position_flow,
       e.flow_base, e.opens::text
FROM entries AS e
WHERE e.portfolio_id = ANY(%(ids)s) AND e.superseded_at = 'infinity'

-- name: states
SELECT s.portfolio_id, s.security_id, s.epoch, s.currency, s.quantity, s.cost_local, s.cost_base,
       s.realised_local, s.realised_base, s.changed_on, s.last_on, s.last_at, s.last_rank,
       s.last_transaction_id, s.last_leg, s.lots
FROM position_state AS s
WHERE s.portfolio_id = ANY(%(ids)s)

-- name: findings
SELECT f.code, f.severity, f.transaction_id, f.sentence, f.remedy, f.waits_for,
       f.portfolio_id, f.security_id, f.business_date
FROM findings AS f
WHERE f.portfolio_id = ANY(%(ids)s) AND f.resolved_at = 'infinity'

-- name: days
SELECT d.portfolio_id, d.day, d.bod_market_value, nullif(d.bod_cashflow, 0),
       nullif(d.eod_cashflow, 0), d.eod_market_value, nullif(d.fees, 0),
       nullif(d.unpriced_cost, 0)
FROM portfolio_days AS d
WHERE d.portfolio_id = ANY(%(ids)s) AND d.superseded_at = 'infinity'

-- name: gaps
-- Where offsets do not follow on each other, or do not end where their counter stands. What
-- retention has taken from the beginning is no gap; a batch that was passed again is none either.
WITH logged AS (
    SELECT topic, part, first_offset,
           lag(first_offset + count) OVER (PARTITION BY topic, part ORDER BY first_offset) AS after
    FROM event_log
), passed AS (
    SELECT consumer, topic, part, first_offset,
           max(last_offset + 1) OVER (
               PARTITION BY consumer, topic, part ORDER BY first_offset
               ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS after
    FROM processed_events
)
SELECT 'event_log', ARRAY[topic, part::text], 'first_offset', first_offset, after
FROM logged WHERE after <> first_offset
UNION ALL
SELECT 'log_partitions', ARRAY[p.topic, p.part::text], 'next_offset', p.next_offset, l.ends
FROM log_partitions AS p
JOIN (SELECT topic, part, max(first_offset + count) AS ends FROM event_log GROUP BY 1, 2) AS l
  USING (topic, part)
WHERE p.next_offset <> l.ends
UNION ALL
SELECT 'processed_events', ARRAY[consumer, topic, part::text], 'first_offset', first_offset, after
FROM passed WHERE first_offset > after
UNION ALL
SELECT 'consumer_offsets', ARRAY[o.consumer, o.topic, o.part::text], 'next_offset', o.next_offset,
       coalesce(e.ends, 0)
FROM consumer_offsets AS o
LEFT JOIN (
    SELECT consumer, topic, part, max(last_offset + 1) AS ends
    FROM processed_events GROUP BY 1, 2, 3
) AS e USING (consumer, topic, part)
WHERE o.next_offset <> coalesce(e.ends, o.next_offset)
ORDER BY 1, 2, 4

-- name: standings
SELECT portfolio_id, generation, valuation_version,
       EXISTS (SELECT FROM book_work AS w WHERE w.portfolio_id = p.portfolio_id), series_from
FROM portfolio_standings AS p
WHERE portfolio_id = ANY(%(ids)s)
