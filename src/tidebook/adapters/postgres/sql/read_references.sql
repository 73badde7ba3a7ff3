-- Facts of the market as they were reported, those current now.

-- name: instruments
SELECT security_id, name, currency, product_type, isin, asset_class, sector, country_of_risk,
       multiplier, underlying_id, option_right, strike, expires_on
FROM instruments
WHERE %(security_ids)s::text[] IS NULL OR security_id = ANY(%(security_ids)s)
ORDER BY security_id COLLATE "C"

-- name: prices
SELECT security_id, price_date, price, currency
FROM market_prices
WHERE security_id = %(security_id)s AND price_date BETWEEN %(start)s::date AND %(end)s::date
  AND superseded_at = 'infinity'
ORDER BY price_date

-- name: rates
SELECT from_currency, to_currency, rate_date, rate
FROM fx_rates
WHERE from_currency = %(source)s AND to_currency = %(target)s
  AND rate_date BETWEEN %(start)s::date AND %(end)s::date
  AND superseded_at = 'infinity'
ORDER BY rate_date
