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

-- name: claim
UPDATE portfolios SET series_from = NULL, series_generation = generation
WHERE portfolio_id = %(portfolio_id)s AND generation = %(generation)s
  AND valuation_version = %(valuation_version)s

-- name: last_recorded
SELECT max(recorded_at) FROM portfolio_days
WHERE portfolio_id = %(portfolio_id)s AND day = ANY(%(days)s) AND superseded_at = 'infinity'

-- name: close_days
UPDATE portfolio_days SET superseded_at = %(at)s
WHERE portfolio_id = %(portfolio_id)s AND day = ANY(%(days)s) AND superseded_at = 'infinity'
