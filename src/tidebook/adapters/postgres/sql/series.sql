-- name: jobs
SELECT * FROM (
    SELECT portfolio_id, base_currency, open_date, name, status, cost_method, settlement,
           time_zone, allow_short, cost_method_changes, taxpayer_id, tax_short_term,
           tax_long_term, tax_long_term_months, generation, valuation_version, series_from
    FROM portfolios
    WHERE series_from IS NOT NULL AND portfolio_id <> ALL(%(spared)s)
    ORDER BY series_generation = generation DESC, portfolio_id
    LIMIT %(limit)s
) AS job
-- Portfolios are locked in the order of their ids by everyone.
ORDER BY portfolio_id

-- name: holdings
SELECT security_id, min(currency), day, sum(quantity), sum(cost_base)
FROM (
    SELECT security_id, currency, quantity, cost_base,
           CASE WHEN business_date < %(day)s THEN %(day)s::date - 1 ELSE business_date END AS day
    FROM entries
    WHERE portfolio_id = %(portfolio_id)s AND superseded_at = 'infinity'
      AND (quantity <> 0 OR cost_base <> 0)
) e
GROUP BY security_id, day
ORDER BY security_id, day

-- name: margin_costs
-- On the same days as the holdings.
SELECT security_id, day, sum(cost_local)
FROM (
    SELECT security_id, cost_local,
           CASE WHEN business_date < %(day)s THEN %(day)s::date - 1 ELSE business_date END AS day
    FROM entries
    WHERE portfolio_id = %(portfolio_id)s AND security_id = ANY(%(securities)s)
      AND superseded_at = 'infinity' AND (quantity <> 0 OR cost_base <> 0)
) e
GROUP BY security_id, day
ORDER BY security_id, day

-- name: flows
SELECT business_date, flow_base, timing, classification
FROM entries
WHERE portfolio_id = %(portfolio_id)s AND superseded_at = 'infinity'
  AND is_portfolio_flow AND business_date >= %(day)s

-- name: active_days
SELECT DISTINCT business_date FROM entries
WHERE portfolio_id = %(portfolio_id)s AND superseded_at = 'infinity'

-- name: held_securities
SELECT security_id FROM position_state WHERE portfolio_id = %(portfolio_id)s AND quantity <> 0

-- name: stored_days
SELECT day, bod_market_value, bod_cashflow, eod_cashflow, eod_market_value, fees, unpriced_cost
FROM portfolio_days
WHERE portfolio_id = %(portfolio_id)s AND superseded_at = 'infinity' AND day >= %(day)s

-- name: opening
SELECT day, eod_market_value FROM portfolio_days
WHERE portfolio_id = %(portfolio_id)s AND superseded_at = 'infinity' AND day < %(day)s
ORDER BY day DESC
LIMIT 1

-- name: market_change
SELECT series_change, series_generation FROM portfolios WHERE portfolio_id = %(portfolio_id)s

-- name: claim
UPDATE portfolios SET series_from = NULL, series_generation = generation, series_change = NULL
WHERE portfolio_id = %(portfolio_id)s AND generation = %(generation)s
  AND valuation_version = %(valuation_version)s

-- name: last_recorded
SELECT max(recorded_at) FROM portfolio_days
WHERE portfolio_id = %(portfolio_id)s AND day = ANY(%(days)s) AND superseded_at = 'infinity'

-- name: close_days
UPDATE portfolio_days SET superseded_at = %(at)s
WHERE portfolio_id = %(portfolio_id)s AND day = ANY(%(days)s) AND superseded_at = 'infinity'

-- name: changes
-- What has moved since of all that this portfolio rests on, by subject; rates are looked through
-- by whoever asks. An instrument is asked of the facts: one that turns out to be cash has no key.
SELECT c.kind, c.id, min(c.from_date), max(c.to_date),
       CASE WHEN min(c.from_date) = max(c.to_date) OR c.kind IN ('instrument', 'portfolio')
            THEN max(c.version) END
FROM market_changes c
WHERE c.change_id >= %(change)s AND c.from_date <= %(through)s
  AND ((c.kind = 'price' AND EXISTS (
            SELECT FROM position_state s
            WHERE s.portfolio_id = %(portfolio_id)s AND s.security_id = c.id
              AND (s.quantity <> 0 OR s.changed_on >= c.from_date)))
       OR (c.kind = 'instrument' AND EXISTS (
            SELECT FROM transactions t
            WHERE t.portfolio_id = %(portfolio_id)s AND t.security_id = c.id
              AND t.superseded_at = 'infinity' AND t.type <> 'CANCELLED'))
       OR (c.kind = 'portfolio' AND c.id = %(portfolio_id)s)
       OR c.kind IN ('rate', 'business_date'))
GROUP BY c.kind, c.id
ORDER BY c.kind, c.id

-- name: currencies
SELECT currency FROM position_state WHERE portfolio_id = %(portfolio_id)s
UNION
SELECT q.currency FROM position_state s JOIN quoted_currencies q USING (security_id)
WHERE s.portfolio_id = %(portfolio_id)s

-- name: log_restatement
INSERT INTO series_restatements
    (portfolio_id, from_date, to_date, days, value_on, value_before, value_after, causes,
     generation, valuation_version, recorded_at)
VALUES
    (%(portfolio_id)s, %(from_date)s, %(to_date)s, %(days)s, %(value_on)s, %(value_before)s,
     %(value_after)s, %(causes)s::jsonb, %(generation)s, %(valuation_version)s, %(at)s)
