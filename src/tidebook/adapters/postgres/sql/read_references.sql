-- Facts of the market as they were reported. known_at is 'infinity' for now.

-- name: instruments
SELECT security_id, name, currency, product_type, isin, asset_class, sector, country_of_risk
FROM instrument_versions
WHERE (%(security_ids)s::text[] IS NULL OR security_id = ANY(%(security_ids)s))
  AND recorded_at <= %(known_at)s::timestamptz
  AND (superseded_at = 'infinity' OR superseded_at > %(known_at)s::timestamptz)
ORDER BY security_id COLLATE "C"

-- name: prices
SELECT security_id, price_date, price, currency
FROM market_prices
WHERE security_id = %(security_id)s AND price_date BETWEEN %(start)s::date AND %(end)s::date
  AND recorded_at <= %(known_at)s::timestamptz
  AND (superseded_at = 'infinity' OR superseded_at > %(known_at)s::timestamptz)
ORDER BY price_date

-- name: rates
SELECT from_currency, to_currency, rate_date, rate
FROM fx_rates
WHERE from_currency = %(source)s AND to_currency = %(target)s
  AND rate_date BETWEEN %(start)s::date AND %(end)s::date
  AND recorded_at <= %(known_at)s::timestamptz
  AND (superseded_at = 'infinity' OR superseded_at > %(known_at)s::timestamptz)
ORDER BY rate_date
