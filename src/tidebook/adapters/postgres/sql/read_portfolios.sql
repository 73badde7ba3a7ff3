-- Every statement takes known_at, 'infinity' for now. A row counts when it was recorded by then and
-- not yet superseded; rows still current are named apart so that their partial index serves.

-- name: ready
SELECT 1

-- name: portfolio
SELECT p.portfolio_id, p.base_currency, p.open_date, p.name, p.status, p.cost_method,
       p.settlement, p.time_zone, p.allow_short, p.risk_exposure, p.investment_time_horizon,
       p.portfolio_type, p.objective, p.booking_center, p.cif_id, p.is_leverage_allowed,
       p.advisor_id, p.close_date, p.cost_method_changes, p.taxpayer_id, p.tax_short_term,
       p.tax_long_term, p.tax_long_term_months,
       p.generation, p.series_generation, p.valuation_version,
       p.series_from IS NOT NULL OR EXISTS (
           SELECT FROM book_work AS w WHERE w.portfolio_id = p.portfolio_id
       ),
       coalesce(
           greatest(
               (SELECT max(d.day) FROM portfolio_days AS d
                WHERE d.portfolio_id = p.portfolio_id AND d.superseded_at = 'infinity'
                  AND d.recorded_at <= %(known_at)s::timestamptz),
               (SELECT max(d.day) FROM portfolio_days AS d
                WHERE d.portfolio_id = p.portfolio_id AND d.superseded_at < 'infinity'
                  AND d.superseded_at > %(known_at)s::timestamptz
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
FROM portfolios AS p
WHERE p.portfolio_id = %(portfolio_id)s

-- name: portfolios
SELECT portfolio_id, base_currency, open_date, name, status, cost_method, settlement, time_zone,
       allow_short, risk_exposure, investment_time_horizon, portfolio_type, objective,
       booking_center, cif_id, is_leverage_allowed, advisor_id, close_date, cost_method_changes,
       taxpayer_id, tax_short_term, tax_long_term, tax_long_term_months
FROM portfolios
WHERE (%(cif_id)s::text IS NULL OR cif_id = %(cif_id)s)
  AND (%(booking_center)s::text IS NULL OR booking_center = %(booking_center)s)
ORDER BY portfolio_id COLLATE "C"

-- name: overview
-- Of now alone. The portfolios are cut off first, so that no more than these are looked into.
SELECT p.portfolio_id, p.base_currency, p.open_date, p.name, p.status, p.cost_method,
       p.settlement, p.time_zone, p.allow_short, p.risk_exposure, p.investment_time_horizon,
       p.portfolio_type, p.objective, p.booking_center, p.cif_id, p.is_leverage_allowed,
       p.advisor_id, p.close_date, p.cost_method_changes, p.taxpayer_id, p.tax_short_term,
       p.tax_long_term, p.tax_long_term_months,
       p.generation, p.series_generation, p.valuation_version,
       p.series_from IS NOT NULL OR EXISTS (
           SELECT FROM book_work AS w WHERE w.portfolio_id = p.portfolio_id
       ),
       coalesce(
           d.day,
           (SELECT max(b.business_date) FROM business_dates AS b
            WHERE b.superseded_at = 'infinity'),
           (SELECT max(e.business_date) FROM entries AS e
            WHERE e.portfolio_id = p.portfolio_id AND e.superseded_at = 'infinity')
       ),
       d.day, d.bod_market_value, d.bod_cashflow, d.eod_cashflow, d.eod_market_value, d.fees,
       d.unpriced_cost
FROM (SELECT * FROM portfolios ORDER BY portfolio_id COLLATE "C"
      LIMIT %(limit)s OFFSET %(skip)s) AS p
LEFT JOIN LATERAL (
    SELECT l.day, l.bod_market_value, l.bod_cashflow, l.eod_cashflow, l.eod_market_value, l.fees,
           l.unpriced_cost
    FROM portfolio_days AS l
    WHERE l.portfolio_id = p.portfolio_id AND l.superseded_at = 'infinity'
    ORDER BY l.day DESC
    LIMIT 1
) AS d ON true
ORDER BY p.portfolio_id COLLATE "C"

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
FROM portfolio_days AS d
WHERE d.portfolio_id = %(portfolio_id)s AND d.day BETWEEN %(start)s::date AND %(end)s::date
  AND d.superseded_at < 'infinity' AND d.superseded_at > %(known_at)s::timestamptz
  AND d.recorded_at <= %(known_at)s::timestamptz
ORDER BY day

-- name: inception
SELECT least(
    (SELECT min(d.day) FROM portfolio_days AS d
     WHERE d.portfolio_id = %(portfolio_id)s AND d.superseded_at = 'infinity'
       AND d.recorded_at <= %(known_at)s::timestamptz),
    (SELECT min(d.day) FROM portfolio_days AS d
     WHERE d.portfolio_id = %(portfolio_id)s AND d.superseded_at < 'infinity'
       AND d.superseded_at > %(known_at)s::timestamptz
       AND d.recorded_at <= %(known_at)s::timestamptz)
)

-- name: findings
SELECT f.code, f.severity, f.transaction_id, f.sentence, f.remedy, f.waits_for,
       f.portfolio_id, f.security_id, f.business_date, f.recorded_at
FROM findings AS f
WHERE f.resolved_at = 'infinity'
  AND (%(portfolio_id)s::text IS NULL OR f.portfolio_id = %(portfolio_id)s)
ORDER BY f.severity = 'waiting' DESC, f.business_date, f.transaction_id COLLATE "C",
         f.code COLLATE "C"

-- name: restatements
SELECT r.security_id, r.epoch, r.from_date, r.reason, r.entries_closed, r.entries_written,
       r.recorded_at
FROM restatements AS r
WHERE r.portfolio_id = %(portfolio_id)s
ORDER BY r.recorded_at DESC, r.security_id COLLATE "C", r.epoch DESC
