-- Every statement takes known_at, 'infinity' for now. A row counts when it was recorded by then and
-- not yet superseded; rows still current are named apart so that their partial index serves.

-- name: ready
SELECT 1

-- name: portfolio
SELECT v.portfolio_id, v.base_currency, v.open_date, v.name, v.status, v.cost_method,
       v.settlement, v.time_zone, v.allow_short, v.risk_exposure, v.investment_time_horizon,
       v.portfolio_type, v.objective, v.booking_center, v.cif_id, v.is_leverage_allowed,
       v.advisor_id, v.close_date, v.cost_method_changes, v.taxpayer_id, v.tax_short_term,
       v.tax_long_term, v.tax_long_term_months,
       p.generation, p.series_generation, p.valuation_version,
       p.series_from IS NOT NULL OR EXISTS (
           SELECT FROM book_work AS w WHERE w.portfolio_id = p.portfolio_id
       ),
       coalesce(
           greatest(
               (SELECT max(d.day) FROM portfolio_days AS d
                WHERE d.portfolio_id = p.portfolio_id AND d.superseded_at = 'infinity'
                  AND d.recorded_at <= %(known_at)s::timestamptz),
               (SELECT max(d.day) FROM past_days AS d
                WHERE d.portfolio_id = p.portfolio_id AND d.superseded_at > %(known_at)s::timestamptz
                  AND d.recorded_at <= %(known_at)s::timestamptz)
           ),
           (SELECT max(b.business_date) FROM business_dates AS b
            WHERE b.recorded_at <= %(known_at)s::timestamptz
              AND (b.superseded_at = 'infinity'
                   OR b.superseded_at > %(known_at)s::timestamptz)),
           greatest(
               (SELECT max(e.business_date) FROM entries AS e
                WHERE e.portfolio_id = p.portfolio_id AND e.superseded_at = 'infinity'
                  AND e.recorded_at <= %(known_at)s::timestamptz),
               (SELECT max(e.business_date) FROM entries AS e
                WHERE e.portfolio_id = p.portfolio_id AND e.superseded_at < 'infinity'
                  AND e.superseded_at > %(known_at)s::timestamptz
                  AND e.recorded_at <= %(known_at)s::timestamptz)
           )
       )
FROM portfolio_versions AS v
JOIN portfolio_standings AS p USING (portfolio_id)
WHERE v.portfolio_id = %(portfolio_id)s AND v.recorded_at <= %(known_at)s::timestamptz
  AND (v.superseded_at = 'infinity' OR v.superseded_at > %(known_at)s::timestamptz)

-- name: portfolios
SELECT portfolio_id, base_currency, open_date, name, status, cost_method, settlement, time_zone,
       allow_short, risk_exposure, investment_time_horizon, portfolio_type, objective,
       booking_center, cif_id, is_leverage_allowed, advisor_id, close_date, cost_method_changes,
       taxpayer_id, tax_short_term, tax_long_term, tax_long_term_months
FROM portfolio_versions
WHERE recorded_at <= %(known_at)s::timestamptz
  AND (superseded_at = 'infinity' OR superseded_at > %(known_at)s::timestamptz)
  AND (%(as_of)s::date IS NULL
       OR (open_date <= %(as_of)s AND (close_date IS NULL OR close_date >= %(as_of)s)))
  AND (%(cif_id)s::text IS NULL OR cif_id = %(cif_id)s)
  AND (%(booking_center)s::text IS NULL OR booking_center = %(booking_center)s)
ORDER BY portfolio_id COLLATE "C"

-- name: overview
-- The portfolios are cut off first, so that no more than these are looked into.
SELECT v.portfolio_id, v.base_currency, v.open_date, v.name, v.status, v.cost_method,
       v.settlement, v.time_zone, v.allow_short, v.risk_exposure, v.investment_time_horizon,
       v.portfolio_type, v.objective, v.booking_center, v.cif_id, v.is_leverage_allowed,
       v.advisor_id, v.close_date, v.cost_method_changes, v.taxpayer_id, v.tax_short_term,
       v.tax_long_term, v.tax_long_term_months,
       p.generation, p.series_generation, p.valuation_version,
       p.series_from IS NOT NULL OR EXISTS (
           SELECT FROM book_work AS w WHERE w.portfolio_id = p.portfolio_id
       ),
       coalesce(
           d.day,
           (SELECT max(b.business_date) FROM business_dates AS b
            WHERE b.recorded_at <= %(known_at)s::timestamptz
              AND (b.superseded_at = 'infinity'
                   OR b.superseded_at > %(known_at)s::timestamptz)),
           greatest(
               (SELECT max(e.business_date) FROM entries AS e
                WHERE e.portfolio_id = p.portfolio_id AND e.superseded_at = 'infinity'
                  AND e.recorded_at <= %(known_at)s::timestamptz),
               (SELECT max(e.business_date) FROM entries AS e
                WHERE e.portfolio_id = p.portfolio_id AND e.superseded_at < 'infinity'
                  AND e.superseded_at > %(known_at)s::timestamptz
                  AND e.recorded_at <= %(known_at)s::timestamptz)
           )
       ),
       d.day, d.bod_market_value, d.bod_cashflow, d.eod_cashflow, d.eod_market_value, d.fees,
       d.unpriced_cost
FROM (
    SELECT * FROM portfolio_versions
    WHERE recorded_at <= %(known_at)s::timestamptz
      AND (superseded_at = 'infinity' OR superseded_at > %(known_at)s::timestamptz)
    ORDER BY portfolio_id COLLATE "C" LIMIT %(limit)s OFFSET %(skip)s
) AS v
JOIN portfolio_standings AS p USING (portfolio_id)
LEFT JOIN LATERAL (
    SELECT * FROM (
        (SELECT l.day, l.bod_market_value, l.bod_cashflow, l.eod_cashflow, l.eod_market_value,
                l.fees, l.unpriced_cost
         FROM portfolio_days AS l
         WHERE l.portfolio_id = p.portfolio_id AND l.day <= %(as_of)s::date
           AND l.superseded_at = 'infinity' AND l.recorded_at <= %(known_at)s::timestamptz
         ORDER BY l.day DESC LIMIT 1)
        UNION ALL
        (SELECT l.day, l.bod_market_value, l.bod_cashflow, l.eod_cashflow, l.eod_market_value,
                l.fees, l.unpriced_cost
         FROM past_days AS l
         WHERE l.portfolio_id = p.portfolio_id AND l.day <= %(as_of)s::date
           AND l.superseded_at > %(known_at)s::timestamptz
           AND l.recorded_at <= %(known_at)s::timestamptz
         ORDER BY l.day DESC LIMIT 1)
    ) AS either
    ORDER BY day DESC LIMIT 1
) AS d ON true
ORDER BY v.portfolio_id COLLATE "C"

-- name: days
-- Zero is sent as NULL: most flows are zero, and a number takes far longer to send and to read.
SELECT d.day, d.bod_market_value, nullif(d.bod_cashflow, 0), nullif(d.eod_cashflow, 0),
       d.eod_market_value, nullif(d.fees, 0), nullif(d.unpriced_cost, 0)
FROM portfolio_days AS d
WHERE d.portfolio_id = %(portfolio_id)s AND d.day BETWEEN %(start)s::date AND %(end)s::date
  AND d.superseded_at = 'infinity' AND d.recorded_at <= %(known_at)s::timestamptz
UNION ALL
SELECT d.day, d.bod_market_value, nullif(d.bod_cashflow, 0), nullif(d.eod_cashflow, 0),
       d.eod_market_value, nullif(d.fees, 0), nullif(d.unpriced_cost, 0)
FROM past_days AS d
WHERE d.portfolio_id = %(portfolio_id)s AND d.day BETWEEN %(start)s::date AND %(end)s::date
  AND d.superseded_at > %(known_at)s::timestamptz
  AND d.recorded_at <= %(known_at)s::timestamptz
ORDER BY day

-- name: inception
SELECT least(
    (SELECT min(d.day) FROM portfolio_days AS d
     WHERE d.portfolio_id = %(portfolio_id)s AND d.superseded_at = 'infinity'
       AND d.recorded_at <= %(known_at)s::timestamptz),
    (SELECT min(d.day) FROM past_days AS d
     WHERE d.portfolio_id = %(portfolio_id)s AND d.superseded_at > %(known_at)s::timestamptz
       AND d.recorded_at <= %(known_at)s::timestamptz)
)

-- name: findings
SELECT f.code, f.severity, f.transaction_id, f.sentence, f.remedy, f.waits_for,
       f.portfolio_id, f.security_id, f.business_date, f.recorded_at
FROM findings AS f
WHERE f.recorded_at <= %(known_at)s::timestamptz
  AND (f.resolved_at = 'infinity' OR f.resolved_at > %(known_at)s::timestamptz)
  AND f.business_date <= %(as_of)s::date
  AND (%(portfolio_id)s::text IS NULL OR f.portfolio_id = %(portfolio_id)s)
ORDER BY f.severity = 'waiting' DESC, f.business_date, f.transaction_id COLLATE "C",
         f.code COLLATE "C"
