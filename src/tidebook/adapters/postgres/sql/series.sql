-- name: jobs
-- Those that the market moved come first. Both kinds are found at the front of an index.
SELECT p.portfolio_id, p.base_currency, p.open_date, p.name, p.status, p.cost_method,
       p.settlement, p.time_zone, p.allow_short, p.cost_method_changes, p.taxpayer_id,
       p.tax_short_term, p.tax_long_term, p.tax_long_term_months, p.generation,
       p.valuation_version + coalesce(m.moves, 0), LEAST(p.series_from, m.from_date)
FROM (
    SELECT portfolio_id FROM (
        (SELECT portfolio_id, 0 AS place FROM market_marks
         WHERE portfolio_id <> ALL(%(spared)s)
         ORDER BY portfolio_id LIMIT %(limit)s)
        UNION ALL
        (SELECT portfolio_id, CASE WHEN series_generation = generation THEN 1 ELSE 2 END
         FROM portfolios
         WHERE series_from IS NOT NULL AND portfolio_id <> ALL(%(spared)s)
         ORDER BY series_generation = generation DESC, portfolio_id LIMIT %(limit)s)
    ) AS marked
    GROUP BY portfolio_id
    ORDER BY min(place), portfolio_id LIMIT %(limit)s
) AS job
JOIN portfolios p USING (portfolio_id)
LEFT JOIN market_marks m USING (portfolio_id)
-- Portfolios are locked in the order of their ids by everyone.
ORDER BY portfolio_id

-- name: holdings
-- Where a key stands is known; only one that has changed since the day is summed from its entries.
-- These are looked at key by key, whatever is known of the tables: a new database knows nothing.
WITH keys AS MATERIALIZED (
    SELECT portfolio_id, s.security_id, s.currency, j.day, s.quantity, s.cost_base,
           s.changed_on >= j.day AS changed
    FROM unnest(%(ids)s::text[], %(days)s::date[]) AS j (portfolio_id, day)
    JOIN position_state s USING (portfolio_id)
    WHERE s.changed_on >= j.day OR s.quantity <> 0 OR s.cost_base <> 0
)
SELECT portfolio_id, security_id, currency, day - 1 AS day, quantity, cost_base
FROM keys WHERE NOT changed
UNION ALL
SELECT k.portfolio_id, k.security_id, e.currency, e.day, e.quantity, e.cost_base
FROM keys k
CROSS JOIN LATERAL (
    SELECT min(currency) AS currency, greatest(business_date, k.day - 1) AS day,
           sum(quantity) AS quantity, sum(cost_base) AS cost_base
    FROM entries
    WHERE portfolio_id = k.portfolio_id AND security_id = k.security_id
      AND superseded_at = 'infinity' AND (quantity <> 0 OR cost_base <> 0)
    GROUP BY greatest(business_date, k.day - 1)
) AS e
WHERE k.changed
ORDER BY portfolio_id, security_id, day

-- name: margin_costs
-- On the same days as the holdings.
SELECT portfolio_id, security_id, day, sum(cost_local)
FROM (
    SELECT portfolio_id, e.security_id, e.cost_local,
           CASE WHEN e.business_date < j.day THEN j.day - 1 ELSE e.business_date END AS day
    FROM unnest(%(ids)s::text[], %(days)s::date[]) AS j (portfolio_id, day)
    JOIN entries e USING (portfolio_id)
    WHERE e.security_id = ANY(%(securities)s)
      AND e.superseded_at = 'infinity' AND (e.quantity <> 0 OR e.cost_base <> 0)
) e
GROUP BY portfolio_id, security_id, day
ORDER BY portfolio_id, security_id, day

-- name: flows
SELECT portfolio_id, e.business_date, e.flow_base, e.timing, e.classification
FROM unnest(%(ids)s::text[], %(days)s::date[]) AS j (portfolio_id, day)
JOIN entries e USING (portfolio_id)
WHERE e.superseded_at = 'infinity' AND e.is_portfolio_flow AND e.business_date >= j.day

-- name: active_days
-- The days alone are sorted, oldest first; rows of a portfolio are not.
SELECT portfolio_id, array_agg(DISTINCT business_date) FROM entries
WHERE portfolio_id = ANY(%(ids)s) AND superseded_at = 'infinity'
GROUP BY portfolio_id

-- name: held_securities
SELECT portfolio_id, security_id FROM position_state
WHERE portfolio_id = ANY(%(ids)s) AND quantity <> 0

-- name: stored_days
-- Most of it is zero, or the value that the day before closed at: a number that is not made out of
-- its text takes no time.
SELECT portfolio_id, d.day, d.bod_market_value::text, nullif(d.bod_cashflow, 0),
       nullif(d.eod_cashflow, 0), d.eod_market_value::text, nullif(d.fees, 0),
       nullif(d.unpriced_cost, 0)
FROM unnest(%(ids)s::text[], %(days)s::date[]) AS j (portfolio_id, day)
JOIN portfolio_days d USING (portfolio_id)
WHERE d.superseded_at = 'infinity' AND d.day >= j.day

-- name: openings
SELECT j.portfolio_id, before.day, before.eod_market_value
FROM unnest(%(ids)s::text[], %(days)s::date[]) AS j (portfolio_id, day)
CROSS JOIN LATERAL (
    SELECT d.day, d.eod_market_value FROM portfolio_days d
    WHERE d.portfolio_id = j.portfolio_id AND d.superseded_at = 'infinity' AND d.day < j.day
    ORDER BY d.day DESC
    LIMIT 1
) AS before

-- name: market_change
SELECT portfolio_id, m.change_id, p.series_generation
FROM market_marks m JOIN portfolios p USING (portfolio_id)
WHERE m.portfolio_id = ANY(%(ids)s)

-- name: claim
-- Portfolios are locked in the order of their ids by everyone, and their marks after them. One that
-- somebody else holds is being booked on: its series is out of date, and waits for nobody. A mark
-- that has been set since the statement began stays where it is, and the series is valued again.
WITH locked AS (
    SELECT p.portfolio_id, p.cif_id, p.series_from,
           j.valuation_version - p.valuation_version AS moves
    FROM portfolios p
    JOIN unnest(%(ids)s::text[], %(generations)s::bigint[], %(valuation_versions)s::bigint[])
         AS j (portfolio_id, generation, valuation_version)
      USING (portfolio_id, generation)
    ORDER BY p.portfolio_id
    FOR UPDATE OF p SKIP LOCKED
), marked AS (
    SELECT m.portfolio_id, l.cif_id, LEAST(l.series_from, m.from_date) AS series_from, m.moves
    FROM locked l JOIN market_marks m USING (portfolio_id, moves)
    ORDER BY m.portfolio_id
    FOR UPDATE OF m
), claimed AS (
    SELECT portfolio_id, cif_id, series_from, moves FROM marked
    UNION ALL
    SELECT portfolio_id, cif_id, series_from, moves FROM locked
    WHERE moves = 0
      AND NOT EXISTS (SELECT FROM market_marks m WHERE m.portfolio_id = locked.portfolio_id)
), cleared AS (
    DELETE FROM market_marks m USING marked WHERE m.portfolio_id = marked.portfolio_id
), unjudged AS (
    -- Whatever moves a value may move what rules say of trades, in portfolios that are judged:
    -- those of a user, and those whose account somebody has described.
    INSERT INTO compliance_work AS w (portfolio_id, unjudged_from, marks)
    SELECT c.portfolio_id, c.series_from, 1 FROM claimed c
    WHERE c.series_from IS NOT NULL
      AND (c.cif_id <> ''
           OR EXISTS (SELECT FROM compliance_policies o WHERE o.portfolio_id = c.portfolio_id))
    ON CONFLICT (portfolio_id) DO UPDATE
    SET unjudged_from = least(w.unjudged_from, excluded.unjudged_from), marks = w.marks + 1
)
UPDATE portfolios p SET
    series_from = NULL,
    series_generation = p.generation,
    valuation_version = p.valuation_version + claimed.moves
FROM claimed WHERE p.portfolio_id = claimed.portfolio_id
RETURNING p.portfolio_id

-- name: close_days
-- A portfolio's days are found by one range each, in the index of the current ones. They are kept
-- together, as the view past_days tells them.
WITH closed AS (
    DELETE FROM portfolio_days d
    USING unnest(%(ids)s::text[], %(firsts)s::date[], %(lasts)s::date[]) AS c (id, first, last)
    WHERE d.portfolio_id = c.id AND d.day BETWEEN c.first AND c.last
      AND d.superseded_at = 'infinity'
    RETURNING d.portfolio_id, d.day, d.bod_market_value, d.bod_cashflow, d.eod_cashflow,
              d.eod_market_value, d.fees, d.unpriced_cost, d.generation, d.recorded_at
)
INSERT INTO past_series
    (portfolio_id, superseded_at, days, bod_market_values, bod_cashflows, eod_cashflows,
     eod_market_values, fees, unpriced_costs, generations, recorded_at)
SELECT portfolio_id, %(at)s, array_agg(day), array_agg(bod_market_value),
       CASE WHEN bool_or(bod_cashflow <> 0) THEN array_agg(bod_cashflow) END,
       CASE WHEN bool_or(eod_cashflow <> 0) THEN array_agg(eod_cashflow) END,
       array_agg(eod_market_value),
       CASE WHEN bool_or(fees <> 0) THEN array_agg(fees) END,
       CASE WHEN bool_or(unpriced_cost <> 0) THEN array_agg(unpriced_cost) END,
       CASE WHEN min(generation) = max(generation) THEN ARRAY[min(generation)]
            ELSE array_agg(generation) END,
       CASE WHEN min(recorded_at) = max(recorded_at) THEN ARRAY[min(recorded_at)]
            ELSE array_agg(recorded_at) END
FROM (SELECT * FROM closed ORDER BY portfolio_id) AS sorted
GROUP BY portfolio_id

-- name: changes
-- What has moved since of all that each portfolio rests on, by subject; rates are looked through
-- by whoever asks. An instrument is asked of the facts: one that turns out to be cash has no key.
SELECT j.portfolio_id, c.kind, c.id, min(c.from_date), max(c.to_date),
       CASE WHEN min(c.from_date) = max(c.to_date)
              OR c.kind IN ('instrument', 'portfolio', 'corporate_action')
            THEN max(c.version) END
FROM unnest(%(ids)s::text[], %(changes)s::bigint[], %(through)s::date[])
     AS j (portfolio_id, change, through)
JOIN market_changes c ON c.change_id >= j.change AND c.from_date <= j.through
WHERE (c.kind = 'price' AND EXISTS (
            SELECT FROM position_state s
            WHERE s.portfolio_id = j.portfolio_id AND s.security_id = c.id
              AND (s.quantity <> 0 OR s.changed_on >= c.from_date)))
   OR (c.kind = 'instrument' AND EXISTS (
            SELECT FROM transactions t
            WHERE t.portfolio_id = j.portfolio_id AND t.security_id = c.id
              AND t.superseded_at = 'infinity' AND t.type <> 'CANCELLED'))
   OR (c.kind = 'portfolio' AND c.id = j.portfolio_id)
   OR (c.kind = 'corporate_action' AND EXISTS (
            SELECT FROM corporate_actions a
            JOIN position_state s ON s.security_id = a.security_id
            WHERE a.action_id = c.id AND s.portfolio_id = j.portfolio_id
              AND (s.quantity <> 0 OR s.changed_on >= c.from_date)))
   OR c.kind IN ('rate', 'business_date')
GROUP BY j.portfolio_id, c.kind, c.id
ORDER BY j.portfolio_id, c.kind, c.id

-- name: currencies
SELECT portfolio_id, currency FROM position_state WHERE portfolio_id = ANY(%(ids)s)
UNION
SELECT s.portfolio_id, q.currency FROM position_state s JOIN quoted_currencies q USING (security_id)
WHERE s.portfolio_id = ANY(%(ids)s)
