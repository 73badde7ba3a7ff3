-- Past versions. What is current stays where it is; a save moves what it replaces over here.

CREATE TABLE past_portfolios (
    portfolio_id text NOT NULL,
    version integer NOT NULL,
    content_hash text NOT NULL,
    name text NOT NULL,
    base_currency text NOT NULL,
    open_date date NOT NULL,
    close_date date,
    status text NOT NULL,
    cost_method text NOT NULL,
    settlement text NOT NULL,
    time_zone text NOT NULL,
    allow_short boolean NOT NULL,
    risk_exposure text NOT NULL,
    investment_time_horizon text NOT NULL,
    portfolio_type text NOT NULL,
    objective text,
    booking_center text NOT NULL,
    cif_id text NOT NULL,
    is_leverage_allowed boolean NOT NULL,
    advisor_id text,
    recorded_at timestamptz NOT NULL,
    superseded_at timestamptz NOT NULL,
    PRIMARY KEY (portfolio_id, version)
);

-- Every version of every portfolio, the current ones with superseded_at at infinity.
CREATE VIEW portfolio_versions AS
SELECT portfolio_id, version, content_hash, name, base_currency, open_date, close_date, status,
       cost_method, settlement, time_zone, allow_short, risk_exposure, investment_time_horizon,
       portfolio_type, objective, booking_center, cif_id, is_leverage_allowed, advisor_id,
       recorded_at, 'infinity'::timestamptz AS superseded_at
FROM portfolios
UNION ALL
SELECT portfolio_id, version, content_hash, name, base_currency, open_date, close_date, status,
       cost_method, settlement, time_zone, allow_short, risk_exposure, investment_time_horizon,
       portfolio_type, objective, booking_center, cif_id, is_leverage_allowed, advisor_id,
       recorded_at, superseded_at
FROM past_portfolios;

CREATE TABLE past_instruments (
    security_id text NOT NULL,
    version integer NOT NULL,
    content_hash text NOT NULL,
    name text NOT NULL,
    currency text NOT NULL,
    product_type text NOT NULL,
    isin text,
    asset_class text,
    sector text,
    country_of_risk text,
    recorded_at timestamptz NOT NULL,
    superseded_at timestamptz NOT NULL,
    PRIMARY KEY (security_id, version)
);

CREATE VIEW instrument_versions AS
SELECT security_id, version, content_hash, name, currency, product_type, isin, asset_class, sector,
       country_of_risk, recorded_at, 'infinity'::timestamptz AS superseded_at
FROM instruments
UNION ALL
SELECT security_id, version, content_hash, name, currency, product_type, isin, asset_class, sector,
       country_of_risk, recorded_at, superseded_at
FROM past_instruments;

-- On which day and keys a version of a transaction was booked, until a changed policy of its
-- portfolio or a changed instrument moved it elsewhere.
CREATE TABLE past_bookings (
    transaction_id text NOT NULL,
    version integer NOT NULL,
    business_date date NOT NULL,
    main_security_id text NOT NULL,
    cash_security_id text,
    superseded_at timestamptz NOT NULL,
    PRIMARY KEY (transaction_id, version, superseded_at)
);

-- A business date that was taken back and given again is its next version.
ALTER TABLE business_dates
    ADD COLUMN version integer NOT NULL DEFAULT 1,
    ADD COLUMN superseded_at timestamptz NOT NULL DEFAULT 'infinity',
    DROP CONSTRAINT business_dates_pkey,
    ADD PRIMARY KEY (business_date, version);

-- Because of what history was written anew: [[kind, id, version], ..], the first twenty.

ALTER TABLE book_work ADD COLUMN causes jsonb NOT NULL DEFAULT '[]';

-- What the key came to before and after. NULL in rows that are older than these columns.
ALTER TABLE restatements
    ADD COLUMN causes jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN quantity_before numeric,
    ADD COLUMN cost_base_before numeric,
    ADD COLUMN realised_base_before numeric,
    ADD COLUMN quantity_after numeric,
    ADD COLUMN cost_base_after numeric,
    ADD COLUMN realised_base_after numeric;

-- What moved valuations, one row per batch and subject, numbered as it became visible: whoever
-- changes the market owns it meanwhile.
CREATE TABLE market_changes (
    change_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,                 -- as in engine/causes.py
    id text NOT NULL,                   -- security, 'EUR/USD', or portfolio
    from_date date NOT NULL,
    to_date date NOT NULL,
    version integer,                    -- NULL where the batch brought several days
    recorded_at timestamptz NOT NULL
);
CREATE INDEX market_changes_subject ON market_changes (kind, id, change_id);

-- The first change of the market that the daily series does not know of yet.
ALTER TABLE portfolios ADD COLUMN series_change bigint;

-- Daily series that were written anew for days already valued, because the market moved.
CREATE TABLE series_restatements (
    portfolio_id text NOT NULL,
    from_date date NOT NULL,
    to_date date NOT NULL,
    days integer NOT NULL,
    value_on date,                      -- the last day valued both before and after
    value_before numeric,
    value_after numeric,
    causes jsonb NOT NULL,
    generation bigint NOT NULL,
    valuation_version bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (portfolio_id, valuation_version)
);
