-- Facts of the market as they were reported. known_at is 'infinity' for now.

-- name: instruments
SELECT security_id, name, currency, product_type, isin, asset_class, sector, country_of_risk,
       multiplier, underlying_id, option_right, strike, expires_on
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

-- name: ever_known
-- Which of these facts, by their places, were ever known, cancelled or not.
SELECT c.place FROM unnest(%(actions)s::text[]) WITH ORDINALITY AS c (id, place)
WHERE EXISTS (SELECT FROM corporate_actions a WHERE a.action_id = c.id)
UNION ALL
SELECT c.place
FROM unnest(%(securities)s::text[], %(days)s::date[]) WITH ORDINALITY AS c (id, day, place)
WHERE EXISTS (SELECT FROM market_prices m WHERE m.security_id = c.id AND m.price_date = c.day)
UNION ALL
SELECT c.place
FROM unnest(%(sources)s::text[], %(targets)s::text[], %(days)s::date[]) WITH ORDINALITY
     AS c (source, target, day, place)
WHERE EXISTS (SELECT FROM fx_rates r WHERE r.from_currency = c.source
              AND r.to_currency = c.target AND r.rate_date = c.day)
UNION ALL
SELECT c.place FROM unnest(%(dates)s::date[]) WITH ORDINALITY AS c (day, place)
WHERE EXISTS (SELECT FROM business_dates b WHERE b.business_date = c.day)
UNION ALL
SELECT c.place FROM unnest(%(assertions)s::text[]) WITH ORDINALITY AS c (id, place)
WHERE EXISTS (SELECT FROM balance_assertions a WHERE a.assertion_id = c.id)

-- name: actions
SELECT action_id, type, security_id, ex_date, new_units, old_units, to_security_id, cost_fraction,
       cash_per_unit, cash_currency, portfolio_id, note, version, recorded_at, cancelled
FROM corporate_actions
WHERE (%(security_id)s::text IS NULL
       OR security_id = %(security_id)s OR to_security_id = %(security_id)s)
  AND recorded_at <= %(known_at)s::timestamptz
  AND (superseded_at = 'infinity' OR superseded_at > %(known_at)s::timestamptz)
ORDER BY ex_date, action_id COLLATE "C"
