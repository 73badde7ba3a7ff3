-- name: portfolio_versions
SELECT portfolio_id, version, content_hash, base_currency, cost_method, settlement, time_zone,
       allow_short, coalesce(cost_method_changes, '[]'), taxpayer_id, tax_short_term, tax_long_term,
       tax_long_term_months, pools_with
FROM portfolios WHERE portfolio_id = ANY(%(ids)s)

-- name: keep_portfolios
INSERT INTO past_portfolios
    (portfolio_id, version, content_hash, name, base_currency, open_date, close_date, status,
     cost_method, settlement, time_zone, allow_short, risk_exposure, investment_time_horizon,
     portfolio_type, objective, booking_center, cif_id, is_leverage_allowed, advisor_id,
     cost_method_changes, taxpayer_id, tax_short_term, tax_long_term, tax_long_term_months,
     recorded_at, superseded_at)
SELECT portfolio_id, version, content_hash, name, base_currency, open_date, close_date, status,
       cost_method, settlement, time_zone, allow_short, risk_exposure, investment_time_horizon,
       portfolio_type, objective, booking_center, cif_id, is_leverage_allowed, advisor_id,
       cost_method_changes, taxpayer_id, tax_short_term, tax_long_term, tax_long_term_months,
       recorded_at, GREATEST(%(at)s, recorded_at + interval '1 microsecond')
FROM portfolios WHERE portfolio_id = ANY(%(ids)s)

-- name: judge_portfolios
-- Portfolios of users that have trades: whose user has just become known, perhaps, or another.
INSERT INTO compliance_work AS w (portfolio_id, unjudged_from, marks)
SELECT portfolio_id, DATE '0001-01-01', 1 FROM portfolios
WHERE portfolio_id = ANY(%(ids)s) AND cif_id <> '' AND generation > 0
ON CONFLICT (portfolio_id) DO UPDATE
SET unjudged_from = excluded.unjudged_from, marks = w.marks + 1

-- name: judge_left
-- Those that a portfolio leaves behind when it becomes another user's.
INSERT INTO compliance_work AS w (portfolio_id, unjudged_from, marks)
SELECT DISTINCT q.portfolio_id, DATE '0001-01-01', 1
FROM unnest(%(ids)s::text[], %(cif_ids)s::text[]) AS c (portfolio_id, cif_id)
JOIN portfolios p ON p.portfolio_id = c.portfolio_id AND p.cif_id <> '' AND p.cif_id <> c.cif_id
JOIN portfolios q ON q.cif_id = p.cif_id AND q.portfolio_id <> p.portfolio_id
ORDER BY 1
ON CONFLICT (portfolio_id) DO UPDATE
SET unjudged_from = excluded.unjudged_from, marks = w.marks + 1

-- name: save_portfolio
INSERT INTO portfolios
    (portfolio_id, version, content_hash, name, base_currency, open_date, close_date, status,
     cost_method, settlement, time_zone, allow_short, risk_exposure, investment_time_horizon,
     portfolio_type, objective, booking_center, cif_id, is_leverage_allowed, advisor_id,
     cost_method_changes, taxpayer_id, tax_short_term, tax_long_term, tax_long_term_months,
     recorded_at)
VALUES
    (%(portfolio_id)s, %(version)s, %(content_hash)s, %(name)s, %(base_currency)s, %(open_date)s,
     %(close_date)s, %(status)s, %(cost_method)s, %(settlement)s, %(time_zone)s, %(allow_short)s,
     %(risk_exposure)s, %(investment_time_horizon)s, %(portfolio_type)s, %(objective)s,
     %(booking_center)s, %(cif_id)s, %(is_leverage_allowed)s, %(advisor_id)s,
     %(changes)s::jsonb, %(taxpayer_id)s, %(tax_short_term)s, %(tax_long_term)s,
     %(tax_long_term_months)s, %(at)s)
ON CONFLICT (portfolio_id) DO UPDATE SET
    version = excluded.version, content_hash = excluded.content_hash, name = excluded.name,
    base_currency = excluded.base_currency, open_date = excluded.open_date,
    close_date = excluded.close_date, status = excluded.status,
    cost_method = excluded.cost_method, settlement = excluded.settlement,
    time_zone = excluded.time_zone, allow_short = excluded.allow_short,
    risk_exposure = excluded.risk_exposure,
    investment_time_horizon = excluded.investment_time_horizon,
    portfolio_type = excluded.portfolio_type, objective = excluded.objective,
    booking_center = excluded.booking_center, cif_id = excluded.cif_id,
    is_leverage_allowed = excluded.is_leverage_allowed, advisor_id = excluded.advisor_id,
    cost_method_changes = excluded.cost_method_changes, taxpayer_id = excluded.taxpayer_id,
    tax_short_term = excluded.tax_short_term, tax_long_term = excluded.tax_long_term,
    tax_long_term_months = excluded.tax_long_term_months,
    recorded_at = GREATEST(
        excluded.recorded_at, portfolios.recorded_at + interval '1 microsecond')

-- name: pooled_portfolios
SELECT portfolio_id FROM portfolios WHERE pools_with = ANY(%(taxpayers)s)

-- name: refold_portfolios
INSERT INTO book_work AS w
    (portfolio_id, security_id, from_date, reason, requested_at, causes)
SELECT k.portfolio_id, k.security_id, min(k.day), %(reason)s, %(at)s,
       -- Of its own portfolio where that has changed, else of those whose pools it shares.
       (SELECT jsonb_agg(jsonb_build_array('portfolio', c.id, c.version) ORDER BY c.id)
        FROM unnest(%(changed)s::text[], %(versions)s::integer[]) AS c (id, version)
        WHERE c.id = k.portfolio_id OR k.portfolio_id <> ALL(%(changed)s::text[]))
FROM (
    SELECT t.portfolio_id, l.security_id, t.business_date AS day
    FROM transactions t
    CROSS JOIN LATERAL (VALUES (t.main_security_id), (t.cash_security_id)) AS l (security_id)
    WHERE t.portfolio_id = ANY(%(ids)s) AND t.superseded_at = 'infinity' AND t.type <> 'CANCELLED'
    UNION ALL
    SELECT arrival_portfolio_id, arrival_security_id, business_date
    FROM transactions
    WHERE arrival_portfolio_id = ANY(%(ids)s) AND superseded_at = 'infinity'
      AND type <> 'CANCELLED'
    UNION ALL
    -- What only corporate actions have brought here.
    SELECT portfolio_id, security_id, business_date
    FROM entries
    WHERE portfolio_id = ANY(%(ids)s) AND superseded_at = 'infinity'
) AS k
WHERE k.security_id IS NOT NULL
GROUP BY 1, 2
ON CONFLICT (portfolio_id, security_id) DO UPDATE SET
    from_date = LEAST(w.from_date, excluded.from_date),
    causes = CASE WHEN jsonb_array_length(w.causes) < 20 THEN w.causes || excluded.causes
                  ELSE w.causes END

-- name: dirty_portfolios
-- In another base currency every day has another value, whether or not an entry changes.
INSERT INTO market_marks AS m (portfolio_id, from_date, change_id, moves)
SELECT portfolio_id, min(business_date), %(change)s, 1 FROM entries
WHERE portfolio_id = ANY(%(ids)s) AND superseded_at = 'infinity'
GROUP BY portfolio_id ORDER BY portfolio_id
ON CONFLICT (portfolio_id) DO UPDATE SET
    from_date = LEAST(m.from_date, excluded.from_date),
    change_id = LEAST(m.change_id, excluded.change_id), moves = m.moves + 1

-- name: instrument_versions
SELECT security_id, version, content_hash, currency, product_type, multiplier, option_right,
       underlying_id, strike
FROM instruments WHERE security_id = ANY(%(ids)s)

-- name: keep_instruments
INSERT INTO past_instruments
    (security_id, version, content_hash, name, currency, product_type, isin, asset_class, sector,
     country_of_risk, multiplier, underlying_id, option_right, strike, expires_on, recorded_at,
     superseded_at)
SELECT security_id, version, content_hash, name, currency, product_type, isin, asset_class, sector,
       country_of_risk, multiplier, underlying_id, option_right, strike, expires_on, recorded_at,
       GREATEST(%(at)s, recorded_at + interval '1 microsecond')
FROM instruments WHERE security_id = ANY(%(ids)s)

-- name: save_instrument
INSERT INTO instruments
    (security_id, version, content_hash, name, currency, product_type, isin, asset_class, sector,
     country_of_risk, multiplier, underlying_id, option_right, strike, expires_on, recorded_at)
VALUES
    (%(security_id)s, %(version)s, %(content_hash)s, %(name)s, %(currency)s, %(product_type)s,
     %(isin)s, %(asset_class)s, %(sector)s, %(country_of_risk)s, %(multiplier)s,
     %(underlying_id)s, %(option_right)s, %(strike)s, %(expires_on)s, %(at)s)
ON CONFLICT (security_id) DO UPDATE SET
    version = excluded.version, content_hash = excluded.content_hash, name = excluded.name,
    currency = excluded.currency, product_type = excluded.product_type, isin = excluded.isin,
    asset_class = excluded.asset_class, sector = excluded.sector,
    country_of_risk = excluded.country_of_risk, multiplier = excluded.multiplier,
    underlying_id = excluded.underlying_id, option_right = excluded.option_right,
    strike = excluded.strike, expires_on = excluded.expires_on,
    recorded_at = GREATEST(
        excluded.recorded_at, instruments.recorded_at + interval '1 microsecond')

-- name: refold_securities
INSERT INTO book_work AS w
    (portfolio_id, security_id, from_date, reason, requested_at, causes)
SELECT k.portfolio_id, k.security_id, min(k.day), %(reason)s, %(at)s,
       jsonb_agg(DISTINCT jsonb_build_array('instrument', i.security_id, i.version))
FROM (
    -- The terms of a contract decide what it costs, and so what it moves on its cash account.
    SELECT t.portfolio_id, l.security_id, t.business_date AS day, t.security_id AS subject
    FROM transactions t
    CROSS JOIN LATERAL (VALUES (t.main_security_id), (t.cash_security_id)) AS l (security_id)
    WHERE t.security_id = ANY(%(ids)s) AND t.superseded_at = 'infinity'
      AND t.type <> 'CANCELLED' AND l.security_id IS NOT NULL
    UNION ALL
    SELECT l.portfolio_id, l.security_id, t.business_date, t.arrival_security_id
    FROM transactions t
    CROSS JOIN LATERAL (VALUES
        (t.portfolio_id, t.main_security_id),
        (t.arrival_portfolio_id, t.arrival_security_id)) AS l (portfolio_id, security_id)
    WHERE t.arrival_security_id = ANY(%(ids)s) AND t.arrival_portfolio_id IS NOT NULL
      AND t.superseded_at = 'infinity' AND t.type <> 'CANCELLED'
    UNION ALL
    -- What only corporate actions have brought there.
    SELECT s.portfolio_id, s.security_id, e.business_date, s.security_id
    FROM position_state s
    JOIN corporate_actions a
      ON a.to_security_id = s.security_id AND a.superseded_at = 'infinity' AND NOT a.cancelled
    JOIN entries e
      ON e.portfolio_id = s.portfolio_id AND e.security_id = s.security_id
     AND e.transaction_id = a.action_id || '@' || s.portfolio_id AND e.superseded_at = 'infinity'
    WHERE s.security_id = ANY(%(ids)s)
    UNION ALL
    -- What waits for a rate because of what it is to become: a contract its underlying, a holding
    -- what it is turned into. In another currency it may need none.
    SELECT f.portfolio_id, f.security_id, f.business_date, x.subject
    FROM findings f
    LEFT JOIN transactions t
      ON t.transaction_id = f.transaction_id AND t.portfolio_id = f.portfolio_id
     AND t.superseded_at = 'infinity'
    LEFT JOIN instruments c ON c.security_id = t.security_id
    LEFT JOIN corporate_actions a
      ON f.transaction_id = a.action_id || '@' || f.portfolio_id
     AND a.superseded_at = 'infinity' AND NOT a.cancelled
    CROSS JOIN LATERAL (VALUES (c.underlying_id), (t.to_security_id), (a.to_security_id))
        AS x (subject)
    WHERE f.resolved_at = 'infinity' AND f.severity = 'waiting' AND f.waits_for LIKE 'rate:%%'
      AND x.subject = ANY(%(ids)s)
) AS k
JOIN instruments i ON i.security_id = k.subject
GROUP BY 1, 2
ON CONFLICT (portfolio_id, security_id) DO UPDATE SET
    from_date = LEAST(w.from_date, excluded.from_date),
    causes = CASE WHEN jsonb_array_length(w.causes) < 20 THEN w.causes || excluded.causes
                  ELSE w.causes END

-- name: wake
INSERT INTO book_work AS w
    (portfolio_id, security_id, from_date, reason, requested_at, causes)
SELECT portfolio_id, security_id, min(business_date), %(reason)s, %(at)s,
       jsonb_agg(DISTINCT jsonb_build_array(
           split_part(waits_for, ':', 1), substr(waits_for, strpos(waits_for, ':') + 1),
           coalesce((SELECT i.version FROM instruments AS i
                     WHERE waits_for = 'instrument:' || i.security_id), 1)))
FROM findings
WHERE resolved_at = 'infinity' AND severity = 'waiting' AND waits_for = ANY(%(subjects)s)
GROUP BY 1, 2
ON CONFLICT (portfolio_id, security_id) DO UPDATE SET
    from_date = LEAST(w.from_date, excluded.from_date),
    causes = CASE WHEN jsonb_array_length(w.causes) < 20 THEN w.causes || excluded.causes
                  ELSE w.causes END

-- name: wake_rates
-- A rate that joins the very currencies is the cause; one that may be crossed, where none does.
WITH keys AS (
    SELECT f.portfolio_id, f.security_id, min(f.business_date) AS day,
           max(f.business_date) AS last_date, array_agg(DISTINCT m.currency) AS met
    FROM findings f
    CROSS JOIN LATERAL unnest(string_to_array(substr(f.waits_for, 6), '/')) AS m (currency)
    WHERE f.resolved_at = 'infinity' AND f.severity = 'waiting' AND f.waits_for LIKE 'rate:%%'
      AND string_to_array(substr(f.waits_for, 6), '/') && %(currencies)s::text[]
    GROUP BY 1, 2
)
INSERT INTO book_work AS w
    (portfolio_id, security_id, from_date, reason, requested_at, causes)
SELECT k.portfolio_id, k.security_id, k.day, %(reason)s, %(at)s,
       (SELECT coalesce(
            jsonb_agg(jsonb_build_array('rate', c.id, c.version) ORDER BY c.id)
                FILTER (WHERE string_to_array(c.pair, '/') <@ k.met),
            jsonb_agg(jsonb_build_array('rate', c.id, c.version) ORDER BY c.id), '[]')
        FROM unnest(%(pairs)s::text[], %(firsts)s::date[], %(ids)s::text[], %(versions)s::integer[])
             AS c (pair, first_date, id, version)
        WHERE string_to_array(c.pair, '/') && k.met AND c.first_date <= k.last_date)
FROM keys k
ON CONFLICT (portfolio_id, security_id) DO UPDATE SET
    from_date = LEAST(w.from_date, excluded.from_date),
    causes = CASE WHEN jsonb_array_length(w.causes) < 20 THEN w.causes || excluded.causes
                  ELSE w.causes END

-- name: move_versions
INSERT INTO market_versions AS v (subject, version)
SELECT subject, 1 FROM unnest(%(subjects)s::text[]) AS subject
ON CONFLICT (subject) DO UPDATE SET version = v.version + 1

-- name: stage_prices
CREATE TEMPORARY TABLE IF NOT EXISTS new_prices
    (security_id text, price_date date, price numeric, currency text) ON COMMIT DELETE ROWS

-- name: close_prices
-- Clocks step back; a correction comes after what it corrects all the same.
UPDATE market_prices m SET
    superseded_at = GREATEST(%(at)s, m.recorded_at + interval '1 microsecond')
FROM new_prices n
WHERE m.security_id = n.security_id AND m.price_date = n.price_date
  AND m.superseded_at = 'infinity' AND (m.price, m.currency) <> (n.price, n.currency)

-- name: insert_prices
INSERT INTO market_prices (security_id, price_date, version, price, currency, recorded_at)
SELECT n.security_id, n.price_date, COALESCE(max(m.version), 0) + 1, n.price, n.currency,
       GREATEST(%(at)s, max(m.superseded_at))
FROM new_prices n
LEFT JOIN market_prices m ON m.security_id = n.security_id AND m.price_date = n.price_date
GROUP BY n.security_id, n.price_date, n.price, n.currency
HAVING NOT COALESCE(bool_or(m.superseded_at = 'infinity'), false)
RETURNING security_id, price_date, version

-- name: cancel_prices
UPDATE market_prices m SET
    superseded_at = GREATEST(%(at)s, m.recorded_at + interval '1 microsecond')
FROM new_prices n
WHERE m.security_id = n.security_id AND m.price_date = n.price_date
  AND m.superseded_at = 'infinity'
RETURNING m.security_id, m.price_date, m.version

-- name: save_quoted_currencies
INSERT INTO quoted_currencies (security_id, currency)
SELECT DISTINCT security_id, currency FROM new_prices
ON CONFLICT DO NOTHING

-- name: mixed_prices
-- Only what was ever quoted in more than one currency is looked at: hardly anything.
SELECT m.security_id FROM market_prices m
WHERE m.superseded_at = 'infinity' AND m.security_id IN (
    SELECT q.security_id FROM quoted_currencies q
    WHERE q.security_id IN (SELECT security_id FROM new_prices)
    GROUP BY q.security_id HAVING count(*) > 1)
GROUP BY m.security_id HAVING count(DISTINCT m.currency) > 1

-- name: room_to_sort
-- Everybody may hold a security: they are put in order in memory, for the rest of the transaction.
SELECT set_config('work_mem', '64MB', true)

-- name: dirty_holders
-- Marks are locked in the order of their portfolios by everyone.
INSERT INTO market_marks AS m (portfolio_id, from_date, change_id, moves)
SELECT s.portfolio_id, min(c.day), %(change)s, 1
FROM unnest(%(securities)s::text[], %(days)s::date[]) AS c (security_id, day)
JOIN position_state s USING (security_id)
WHERE s.quantity <> 0 OR s.changed_on >= c.day
GROUP BY s.portfolio_id ORDER BY s.portfolio_id
ON CONFLICT (portfolio_id) DO UPDATE SET
    from_date = LEAST(m.from_date, excluded.from_date),
    change_id = LEAST(m.change_id, excluded.change_id), moves = m.moves + 1

-- name: dirty_instruments
-- Whether a thing is cash decides how it is valued, from its first entry on.
INSERT INTO market_marks AS m (portfolio_id, from_date, change_id, moves)
SELECT s.portfolio_id, min(e.business_date), %(change)s, 1
FROM position_state s
JOIN entries e USING (portfolio_id, security_id)
WHERE s.security_id = ANY(%(ids)s) AND e.superseded_at = 'infinity'
GROUP BY s.portfolio_id ORDER BY s.portfolio_id
ON CONFLICT (portfolio_id) DO UPDATE SET
    from_date = LEAST(m.from_date, excluded.from_date),
    change_id = LEAST(m.change_id, excluded.change_id), moves = m.moves + 1

-- name: stage_rates
CREATE TEMPORARY TABLE IF NOT EXISTS new_rates
    (from_currency text, to_currency text, rate_date date, rate numeric) ON COMMIT DELETE ROWS

-- name: close_rates
UPDATE fx_rates r SET
    superseded_at = GREATEST(%(at)s, r.recorded_at + interval '1 microsecond')
FROM new_rates n
WHERE r.from_currency = n.from_currency AND r.to_currency = n.to_currency
  AND r.rate_date = n.rate_date AND r.superseded_at = 'infinity' AND r.rate <> n.rate

-- name: insert_rates
INSERT INTO fx_rates (from_currency, to_currency, rate_date, version, rate, recorded_at)
SELECT n.from_currency, n.to_currency, n.rate_date, COALESCE(max(r.version), 0) + 1, n.rate,
       GREATEST(%(at)s, max(r.superseded_at))
FROM new_rates n
LEFT JOIN fx_rates r
  ON r.from_currency = n.from_currency AND r.to_currency = n.to_currency
 AND r.rate_date = n.rate_date
GROUP BY n.from_currency, n.to_currency, n.rate_date, n.rate
HAVING NOT COALESCE(bool_or(r.superseded_at = 'infinity'), false)
RETURNING from_currency, to_currency, rate_date, version

-- name: cancel_rates
UPDATE fx_rates r SET
    superseded_at = GREATEST(%(at)s, r.recorded_at + interval '1 microsecond')
FROM unnest(%(sources)s::text[], %(targets)s::text[], %(days)s::date[])
     AS n (from_currency, to_currency, rate_date)
WHERE r.from_currency = n.from_currency AND r.to_currency = n.to_currency
  AND r.rate_date = n.rate_date AND r.superseded_at = 'infinity'
RETURNING r.from_currency, r.to_currency, r.rate_date, r.version

-- name: dirty_foreign
INSERT INTO market_marks AS m (portfolio_id, from_date, change_id, moves)
SELECT p.portfolio_id, %(day)s, %(change)s, 1 FROM portfolios p
WHERE EXISTS (
    SELECT 1 FROM position_state s
    LEFT JOIN quoted_currencies q
           ON q.security_id = s.security_id AND q.currency <> s.currency
    WHERE s.portfolio_id = p.portfolio_id AND (s.quantity <> 0 OR s.changed_on >= %(day)s)
      AND ((s.currency <> p.base_currency
            AND (s.currency = ANY(%(currencies)s) OR p.base_currency = ANY(%(currencies)s)))
           OR q.currency = ANY(%(currencies)s)
           OR (q.currency IS NOT NULL AND s.currency = ANY(%(currencies)s))))
ORDER BY p.portfolio_id
ON CONFLICT (portfolio_id) DO UPDATE SET
    from_date = LEAST(m.from_date, excluded.from_date),
    change_id = LEAST(m.change_id, excluded.change_id), moves = m.moves + 1

-- name: refold_foreign
-- A cash account in the base currency is corrected along with the securities that move it.
WITH touched AS (
    SELECT m.portfolio_id, m.security_id, min(m.day) AS day, max(m.day) AS last_date, m.met
    FROM (
        SELECT t.portfolio_id, k.security_id, t.business_date AS day, c.met
        FROM transactions t
        JOIN portfolios p USING (portfolio_id)
        LEFT JOIN instruments i ON i.security_id = t.security_id
        CROSS JOIN LATERAL (SELECT array_remove(
            ARRAY[t.trade_currency, t.currency, p.base_currency, i.currency,
                  substring(t.main_security_id FROM '^CASH_(.+)$')], NULL) AS met) AS c
        CROSS JOIN LATERAL (VALUES
            (t.main_security_id),
            (CASE WHEN t.currency <> p.base_currency THEN t.cash_security_id END)) AS k (security_id)
        WHERE t.superseded_at = 'infinity' AND t.business_date >= %(day)s AND k.security_id IS NOT NULL
          AND t.type <> 'CANCELLED'
          AND NOT p.base_currency = ALL(c.met)
          AND c.met && %(currencies)s::text[]
        UNION ALL
        -- What is carried is converted between the two keys as well.
        SELECT k.portfolio_id, k.security_id, t.business_date, c.met
        FROM transactions t
        JOIN portfolios p USING (portfolio_id)
        JOIN portfolios q ON q.portfolio_id = t.arrival_portfolio_id
        LEFT JOIN instruments i ON i.security_id = t.main_security_id
        LEFT JOIN instruments j ON j.security_id = t.arrival_security_id
        CROSS JOIN LATERAL (SELECT array_remove(
            ARRAY[t.trade_currency, p.base_currency, q.base_currency, i.currency, j.currency], NULL)
            AS met) AS c
        CROSS JOIN LATERAL (VALUES
            (t.portfolio_id, t.main_security_id),
            (t.arrival_portfolio_id, t.arrival_security_id)) AS k (portfolio_id, security_id)
        WHERE t.superseded_at = 'infinity' AND t.business_date >= %(day)s
          AND t.arrival_portfolio_id IS NOT NULL AND t.type <> 'CANCELLED'
          AND NOT p.base_currency = ALL(c.met)
          AND c.met && %(currencies)s::text[]
        UNION ALL
        SELECT s.portfolio_id, k.security_id, a.ex_date, c.met
        FROM corporate_actions a
        JOIN position_state s ON s.security_id = a.security_id
        JOIN portfolios p ON p.portfolio_id = s.portfolio_id
        JOIN instruments i ON i.security_id = a.security_id
        LEFT JOIN instruments j ON j.security_id = a.to_security_id
        CROSS JOIN LATERAL (SELECT array_remove(
            ARRAY[nullif(a.cash_currency, ''), p.base_currency, i.currency, j.currency], NULL)
            AS met) AS c
        CROSS JOIN LATERAL (VALUES
            (a.security_id),
            (nullif(a.to_security_id, '')),
            (CASE WHEN a.cash_per_unit <> 0
                  THEN 'CASH_' || coalesce(nullif(a.cash_currency, ''), i.currency) END))
            AS k (security_id)
        WHERE a.superseded_at = 'infinity' AND NOT a.cancelled AND a.ex_date >= %(day)s
          AND a.portfolio_id IN ('', s.portfolio_id) AND k.security_id IS NOT NULL
          AND NOT p.base_currency = ALL(c.met)
          AND c.met && %(currencies)s::text[]
    ) AS m
    GROUP BY 1, 2, m.met
), keys AS (
    SELECT portfolio_id, security_id, min(day) AS day, max(last_date) AS last_date,
           array_agg(DISTINCT m.currency) AS met
    FROM touched CROSS JOIN LATERAL unnest(met) AS m (currency)
    GROUP BY 1, 2
)
INSERT INTO book_work AS w
    (portfolio_id, security_id, from_date, reason, requested_at, causes)
SELECT k.portfolio_id, k.security_id, k.day, %(reason)s, %(at)s,
       (SELECT coalesce(
            jsonb_agg(jsonb_build_array('rate', c.id, c.version) ORDER BY c.id)
                FILTER (WHERE string_to_array(c.pair, '/') <@ k.met),
            jsonb_agg(jsonb_build_array('rate', c.id, c.version) ORDER BY c.id), '[]')
        FROM unnest(%(pairs)s::text[], %(firsts)s::date[], %(ids)s::text[], %(versions)s::integer[])
             AS c (pair, first_date, id, version)
        WHERE string_to_array(c.pair, '/') && k.met AND c.first_date <= k.last_date)
FROM keys k
ON CONFLICT (portfolio_id, security_id) DO UPDATE SET
    from_date = LEAST(w.from_date, excluded.from_date),
    causes = CASE WHEN jsonb_array_length(w.causes) < 20 THEN w.causes || excluded.causes
                  ELSE w.causes END

-- name: insert_dates
INSERT INTO business_dates (business_date, version, recorded_at)
SELECT n.day, COALESCE(max(b.version), 0) + 1, GREATEST(%(at)s, max(b.superseded_at))
FROM unnest(%(days)s::date[]) AS n (day)
LEFT JOIN business_dates b ON b.business_date = n.day
GROUP BY n.day
HAVING NOT COALESCE(bool_or(b.superseded_at = 'infinity'), false)
RETURNING business_date

-- name: cancel_dates
UPDATE business_dates b SET
    superseded_at = GREATEST(%(at)s, b.recorded_at + interval '1 microsecond')
WHERE b.business_date = ANY(%(days)s::date[]) AND b.superseded_at = 'infinity'
RETURNING business_date

-- name: calendar_end
SELECT max(business_date) FROM business_dates WHERE superseded_at = 'infinity'

-- name: log_changes
INSERT INTO market_changes (kind, id, from_date, to_date, version, recorded_at)
SELECT %(kind)s, c.id, c.first_date, c.last_date, c.version, %(at)s
FROM unnest(%(ids)s::text[], %(firsts)s::date[], %(lasts)s::date[], %(versions)s::integer[])
     AS c (id, first_date, last_date, version)
RETURNING change_id

-- name: dirty_all
INSERT INTO market_marks AS m (portfolio_id, from_date, change_id, moves)
SELECT portfolio_id, %(day)s, %(change)s, 1 FROM portfolios WHERE generation > 0
ORDER BY portfolio_id
ON CONFLICT (portfolio_id) DO UPDATE SET
    from_date = LEAST(m.from_date, excluded.from_date),
    change_id = LEAST(m.change_id, excluded.change_id), moves = m.moves + 1
