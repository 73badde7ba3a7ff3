-- Facts of the market as known at an instant ('infinity' for now) for days up to one ('infinity' for
-- all). A stamp is the version and the transaction that wrote it (xmin): a version number that was
-- rolled back and given out again is another stamp. Each loading statement returns the stamp beside
-- the rows, so that the two are of one snapshot.

-- name: stamps
SELECT subject, version, xmin::text
FROM market_versions
WHERE subject = ANY(%(subjects)s)

-- name: prices
SELECT wanted.security_id, coalesce(v.version, 0), coalesce(v.xmin::text, ''),
       q.days, q.prices, q.currencies
FROM unnest(%(security_ids)s::text[]) AS wanted (security_id)
LEFT JOIN market_versions AS v ON v.subject = 'price:' || wanted.security_id
CROSS JOIN LATERAL (
    SELECT array_agg(p.price_date ORDER BY p.price_date) AS days,
           array_agg(p.price ORDER BY p.price_date) AS prices,
           CASE WHEN min(p.currency) = max(p.currency) THEN ARRAY[min(p.currency)]
                ELSE array_agg(p.currency ORDER BY p.price_date) END AS currencies
    FROM market_prices AS p
    WHERE p.security_id = wanted.security_id AND p.price_date <= %(through)s::date
      AND p.recorded_at <= %(known_at)s::timestamptz
      AND (p.superseded_at = 'infinity' OR p.superseded_at > %(known_at)s::timestamptz)
) AS q

-- name: last_prices
SELECT wanted.security_id, 0, '', ARRAY[q.price_date], ARRAY[q.price], ARRAY[q.currency]
FROM unnest(%(security_ids)s::text[]) AS wanted (security_id)
CROSS JOIN LATERAL (
    SELECT p.price_date, p.price, p.currency
    FROM market_prices AS p
    WHERE p.security_id = wanted.security_id AND p.price_date <= %(through)s::date
      AND p.recorded_at <= %(known_at)s::timestamptz
      AND (p.superseded_at = 'infinity' OR p.superseded_at > %(known_at)s::timestamptz)
    ORDER BY p.price_date DESC
    LIMIT 1
) AS q

-- name: rates
SELECT r.from_currency, r.to_currency,
       array_agg(r.rate_date ORDER BY r.rate_date),
       array_agg(r.rate ORDER BY r.rate_date),
       (SELECT v.version FROM market_versions AS v WHERE v.subject = 'rates'),
       (SELECT v.xmin::text FROM market_versions AS v WHERE v.subject = 'rates')
FROM fx_rates AS r
WHERE r.rate_date <= %(through)s::date
  AND r.recorded_at <= %(known_at)s::timestamptz
  AND (r.superseded_at = 'infinity' OR r.superseded_at > %(known_at)s::timestamptz)
GROUP BY r.from_currency, r.to_currency

-- name: dates
SELECT array_agg(b.business_date ORDER BY b.business_date),
       (SELECT v.version FROM market_versions AS v WHERE v.subject = 'dates'),
       (SELECT v.xmin::text FROM market_versions AS v WHERE v.subject = 'dates')
FROM business_dates AS b
WHERE b.superseded_at = 'infinity'

-- name: actions
SELECT v.version, v.xmin::text, a.action_id, a.type, a.security_id, a.ex_date, a.new_units,
       a.old_units, a.to_security_id, a.cost_fraction, a.cash_per_unit, a.cash_currency,
       a.portfolio_id, a.note
FROM market_versions AS v
LEFT JOIN corporate_actions AS a ON a.superseded_at = 'infinity' AND NOT a.cancelled
WHERE v.subject = 'actions'

-- name: actions_known
SELECT action_id, type, security_id, ex_date, new_units, old_units, to_security_id,
       cost_fraction, cash_per_unit, cash_currency, portfolio_id, note
FROM corporate_actions
WHERE NOT cancelled AND recorded_at <= %(known_at)s::timestamptz
  AND (superseded_at = 'infinity' OR superseded_at > %(known_at)s::timestamptz)

-- name: instruments
SELECT security_id, name, currency, product_type, isin, asset_class, sector, country_of_risk,
       multiplier, underlying_id, option_right, strike, expires_on
FROM instruments
WHERE security_id = ANY(%(security_ids)s)

-- name: instruments_known
SELECT security_id, name, currency, product_type, isin, asset_class, sector, country_of_risk,
       multiplier, underlying_id, option_right, strike, expires_on
FROM instrument_versions
WHERE security_id = ANY(%(security_ids)s) AND recorded_at <= %(known_at)s::timestamptz
  AND (superseded_at = 'infinity' OR superseded_at > %(known_at)s::timestamptz)

-- name: dates_known
SELECT business_date FROM business_dates
WHERE recorded_at <= %(known_at)s::timestamptz
  AND (superseded_at = 'infinity' OR superseded_at > %(known_at)s::timestamptz)
ORDER BY business_date
