-- The policies a book is kept by. tax_* are fractions of a realised gain.

ALTER TABLE portfolios
    ADD COLUMN cost_method_changes jsonb,       -- [[from day, cost method], ..]; NULL when none
    ADD COLUMN taxpayer_id text NOT NULL DEFAULT '',
    ADD COLUMN tax_short_term numeric NOT NULL DEFAULT 0,
    ADD COLUMN tax_long_term numeric NOT NULL DEFAULT 0,
    ADD COLUMN tax_long_term_months integer NOT NULL DEFAULT 12;
-- The taxpayer whose pools it shares, at any time; NULL when it shares none.
ALTER TABLE portfolios ADD COLUMN pools_with text GENERATED ALWAYS AS (
    CASE WHEN taxpayer_id <> '' AND (
        cost_method = 'AVCO_POOLED'
        OR coalesce(jsonb_path_exists(cost_method_changes, '$[*][1] ? (@ == "AVCO_POOLED")'),
                    false)) THEN taxpayer_id END) STORED;
CREATE INDEX portfolios_taxpayer ON portfolios (taxpayer_id) WHERE taxpayer_id <> '';
CREATE INDEX portfolios_pool ON portfolios (pools_with) WHERE pools_with IS NOT NULL;

ALTER TABLE past_portfolios
    ADD COLUMN cost_method_changes jsonb,
    ADD COLUMN taxpayer_id text NOT NULL DEFAULT '',
    ADD COLUMN tax_short_term numeric NOT NULL DEFAULT 0,
    ADD COLUMN tax_long_term numeric NOT NULL DEFAULT 0,
    ADD COLUMN tax_long_term_months integer NOT NULL DEFAULT 12;
ALTER TABLE past_portfolios ADD COLUMN pools_with text GENERATED ALWAYS AS (
    CASE WHEN taxpayer_id <> '' AND (
        cost_method = 'AVCO_POOLED'
        OR coalesce(jsonb_path_exists(cost_method_changes, '$[*][1] ? (@ == "AVCO_POOLED")'),
                    false)) THEN taxpayer_id END) STORED;
DROP VIEW portfolio_versions;
CREATE VIEW portfolio_versions AS
SELECT portfolio_id, version, content_hash, name, base_currency, open_date, close_date, status,
       cost_method, settlement, time_zone, allow_short, risk_exposure, investment_time_horizon,
       portfolio_type, objective, booking_center, cif_id, is_leverage_allowed, advisor_id,
       cost_method_changes, taxpayer_id, tax_short_term, tax_long_term, tax_long_term_months,
       pools_with, recorded_at, 'infinity'::timestamptz AS superseded_at
FROM portfolios
UNION ALL
SELECT portfolio_id, version, content_hash, name, base_currency, open_date, close_date, status,
       cost_method, settlement, time_zone, allow_short, risk_exposure, investment_time_horizon,
       portfolio_type, objective, booking_center, cif_id, is_leverage_allowed, advisor_id,
       cost_method_changes, taxpayer_id, tax_short_term, tax_long_term, tax_long_term_months,
       pools_with, recorded_at, superseded_at
FROM past_portfolios;

-- The terms of contracts. One unit is worth its price times the multiplier.

ALTER TABLE instruments
    ADD COLUMN multiplier numeric NOT NULL DEFAULT 1,
    ADD COLUMN underlying_id text NOT NULL DEFAULT '',
    ADD COLUMN option_right text,
    ADD COLUMN strike numeric,
    ADD COLUMN expires_on date;

ALTER TABLE past_instruments
    ADD COLUMN multiplier numeric NOT NULL DEFAULT 1,
    ADD COLUMN underlying_id text NOT NULL DEFAULT '',
    ADD COLUMN option_right text,
    ADD COLUMN strike numeric,
    ADD COLUMN expires_on date;
DROP VIEW instrument_versions;
CREATE VIEW instrument_versions AS
SELECT security_id, version, content_hash, name, currency, product_type, isin, asset_class, sector,
       country_of_risk, multiplier, underlying_id, option_right, strike, expires_on, recorded_at,
       'infinity'::timestamptz AS superseded_at
FROM instruments
UNION ALL
SELECT security_id, version, content_hash, name, currency, product_type, isin, asset_class, sector,
       country_of_risk, multiplier, underlying_id, option_right, strike, expires_on, recorded_at,
       superseded_at
FROM past_instruments;

ALTER TABLE transactions
    ADD COLUMN lots jsonb,                      -- [[lot, quantity], ..] to take; NULL when none
    ADD COLUMN to_portfolio_id text NOT NULL DEFAULT '',
    ADD COLUMN to_security_id text NOT NULL DEFAULT '',
    ADD COLUMN to_quantity numeric NOT NULL DEFAULT 0,
    -- The key that its lots or their cost are carried to; NULL when none.
    ADD COLUMN arrival_portfolio_id text,
    ADD COLUMN arrival_security_id text;
CREATE INDEX transactions_carried_from ON transactions (portfolio_id)
    WHERE arrival_portfolio_id IS NOT NULL AND superseded_at = 'infinity';
CREATE INDEX transactions_to_portfolio ON transactions (portfolio_id)
    WHERE to_portfolio_id <> '' AND superseded_at = 'infinity';
CREATE INDEX transactions_carried_to ON transactions (arrival_portfolio_id, arrival_security_id)
    WHERE arrival_portfolio_id IS NOT NULL;     -- past versions too: pages list them
CREATE INDEX transactions_carried_into ON transactions (arrival_security_id)
    WHERE arrival_portfolio_id IS NOT NULL AND superseded_at = 'infinity';

ALTER TABLE past_bookings
    ADD COLUMN arrival_portfolio_id text,
    ADD COLUMN arrival_security_id text;

-- The lots it opened or added to, as in matches. NULL stands for one lot of its own, of what the
-- entry moved beyond its matches, and for none where it moved nothing beyond them.
ALTER TABLE entries ADD COLUMN opens jsonb;

-- A correction is a new version; so is a cancellation, whose row repeats what it takes back.
CREATE TABLE corporate_actions (
    action_id text NOT NULL,
    version integer NOT NULL,
    content_hash text NOT NULL,                 -- empty in a cancellation
    type text NOT NULL,
    security_id text NOT NULL,
    ex_date date NOT NULL,
    new_units numeric NOT NULL,
    old_units numeric NOT NULL,
    to_security_id text NOT NULL,
    cost_fraction numeric,
    cash_per_unit numeric NOT NULL,
    cash_currency text NOT NULL,
    portfolio_id text NOT NULL,                 -- empty: every portfolio
    note text NOT NULL,
    cancelled boolean NOT NULL DEFAULT false,
    recorded_at timestamptz NOT NULL,
    superseded_at timestamptz NOT NULL DEFAULT 'infinity',
    PRIMARY KEY (action_id, version)
);
CREATE INDEX corporate_actions_security ON corporate_actions (security_id)
    WHERE superseded_at = 'infinity';
CREATE INDEX corporate_actions_to_security ON corporate_actions (to_security_id)
    WHERE superseded_at = 'infinity' AND to_security_id <> '';

INSERT INTO log_partitions (topic, part)
SELECT 'raw_corporate_actions', part FROM generate_series(0, 15) AS part
ON CONFLICT DO NOTHING;

-- What was added to a pool cannot be told from the entries there are: these keys are folded again.
INSERT INTO book_work AS w (portfolio_id, security_id, from_date, reason, requested_at)
SELECT e.portfolio_id, e.security_id, min(e.business_date),
       'entries tell which lots they opened', now()
FROM entries e
JOIN portfolios p USING (portfolio_id)
WHERE e.superseded_at = 'infinity' AND p.cost_method = 'AVCO'
  AND NOT (p.settlement = 'auto' AND e.security_id = 'CASH_' || p.base_currency)
GROUP BY 1, 2
ON CONFLICT (portfolio_id, security_id)
DO UPDATE SET from_date = LEAST(w.from_date, excluded.from_date);

-- What is to be done next is found at the front of an index, however much there is to do.
DROP INDEX portfolios_dirty;
CREATE INDEX portfolios_dirty ON portfolios ((series_generation = generation) DESC, portfolio_id)
    WHERE series_from IS NOT NULL;
CREATE INDEX book_work_queue ON book_work (requested_at, portfolio_id);
