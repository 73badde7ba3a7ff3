-- Facts. A correction is a new version: the old row is closed, never edited.

CREATE TABLE portfolios (
    portfolio_id text PRIMARY KEY,
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
    -- The state of the portfolio's book. Every committed batch moves the generation; a price or
    -- a rate moves only the valuation version.
    generation bigint NOT NULL DEFAULT 0,
    valuation_version bigint NOT NULL DEFAULT 0,
    -- The earliest day whose row in portfolio_days is not right yet; NULL when all are.
    series_from date,
    series_generation bigint NOT NULL DEFAULT 0
);
CREATE INDEX portfolios_cif ON portfolios (cif_id);
CREATE INDEX portfolios_dirty ON portfolios (portfolio_id) WHERE series_from IS NOT NULL;

CREATE TABLE instruments (
    security_id text PRIMARY KEY,
    version integer NOT NULL,
    content_hash text NOT NULL,
    name text NOT NULL,
    currency text NOT NULL,
    product_type text NOT NULL,
    isin text,
    asset_class text,
    sector text,
    country_of_risk text,
    recorded_at timestamptz NOT NULL
);

CREATE TABLE transactions (
    transaction_id text NOT NULL,
    version integer NOT NULL,
    content_hash text NOT NULL,
    portfolio_id text NOT NULL,
    security_id text NOT NULL,
    instrument_id text NOT NULL,
    type text NOT NULL,
    traded_at timestamptz,
    trade_date date,
    business_date date NOT NULL,
    settlement_date date,
    quantity numeric NOT NULL,
    price numeric NOT NULL,
    gross numeric NOT NULL,
    fee numeric NOT NULL,
    tax numeric NOT NULL,
    accrued_interest numeric NOT NULL,
    trade_currency text NOT NULL,
    currency text NOT NULL,
    fx_rate numeric,
    note text NOT NULL,
    -- The keys it is booked on, decided by the portfolio's settlement policy.
    main_security_id text NOT NULL,
    cash_security_id text,
    correlation_id text NOT NULL,
    recorded_at timestamptz NOT NULL,
    superseded_at timestamptz NOT NULL DEFAULT 'infinity',
    PRIMARY KEY (transaction_id, version)
);
CREATE INDEX transactions_security ON transactions (security_id);
-- A late rate asks for every foreign fact from a day on; facts arrive nearly in that order.
CREATE INDEX transactions_dates ON transactions USING brin (business_date);
CREATE INDEX transactions_key ON transactions (portfolio_id, main_security_id, business_date);

CREATE TABLE market_prices (
    security_id text NOT NULL,
    price_date date NOT NULL,
    version integer NOT NULL,
    price numeric NOT NULL,
    currency text NOT NULL,
    recorded_at timestamptz NOT NULL,
    superseded_at timestamptz NOT NULL DEFAULT 'infinity',
    PRIMARY KEY (security_id, price_date, version)
);

CREATE TABLE fx_rates (
    from_currency text NOT NULL,
    to_currency text NOT NULL,
    rate_date date NOT NULL,
    version integer NOT NULL,
    rate numeric NOT NULL,
    recorded_at timestamptz NOT NULL,
    superseded_at timestamptz NOT NULL DEFAULT 'infinity',
    PRIMARY KEY (from_currency, to_currency, rate_date, version)
);

CREATE TABLE business_dates (
    business_date date PRIMARY KEY,
    recorded_at timestamptz NOT NULL
);

-- Counters that move with the facts of the market, so that readers know when a cache is old.
CREATE TABLE market_versions (
    subject text PRIMARY KEY,          -- 'rates', 'dates', 'instruments', or 'price:<security_id>'
    version bigint NOT NULL
);

-- The currencies a security was ever quoted in: what its value may rest on beside its own.
CREATE TABLE quoted_currencies (
    security_id text NOT NULL,
    currency text NOT NULL,
    PRIMARY KEY (security_id, currency)
);

-- The book: derived, and rewritten where a fact changed. One entry per transaction and key.

CREATE TABLE entries (
    portfolio_id text NOT NULL,
    security_id text NOT NULL,
    transaction_id text NOT NULL,
    leg text NOT NULL,
    epoch integer NOT NULL,
    type text NOT NULL,
    business_date date NOT NULL,
    at timestamptz NOT NULL,
    rank smallint NOT NULL,
    currency text NOT NULL,
    fx_rate numeric NOT NULL,
    amount numeric NOT NULL,
    quantity numeric NOT NULL,
    cost_local numeric NOT NULL,
    cost_base numeric NOT NULL,
    realised_local numeric,
    realised_base numeric,
    realised_price numeric,
    realised_currency numeric,
    -- The parts of older lots it consumed: [[lot, opened on, quantity, local cost, base cost], ..]
    matches jsonb,
    classification text,
    timing text,
    is_portfolio_flow boolean,
    cash_amount numeric,
    position_flow numeric,
    flow_base numeric,                  -- cash_amount in the portfolio's base currency
    recorded_at timestamptz NOT NULL,
    superseded_at timestamptz NOT NULL DEFAULT 'infinity'
);
CREATE UNIQUE INDEX entries_current ON entries (portfolio_id, security_id, transaction_id, leg)
    WHERE superseded_at = 'infinity';
CREATE INDEX entries_foreign ON entries (business_date)
    WHERE superseded_at = 'infinity' AND fx_rate <> 1;
CREATE INDEX entries_superseded ON entries (portfolio_id, superseded_at)
    WHERE superseded_at < 'infinity';

-- Where the fold of a key stands, so that the next fact in order needs no history.
CREATE TABLE position_state (
    portfolio_id text NOT NULL,
    security_id text NOT NULL,
    epoch integer NOT NULL,
    currency text NOT NULL,
    quantity numeric NOT NULL,
    cost_local numeric NOT NULL,
    cost_base numeric NOT NULL,
    realised_local numeric NOT NULL,
    realised_base numeric NOT NULL,
    changed_on date NOT NULL,
    last_on date NOT NULL,
    last_at timestamptz NOT NULL,
    last_rank smallint NOT NULL,
    last_transaction_id text NOT NULL,
    last_leg text NOT NULL,
    lots jsonb,                         -- open lots, oldest first; NULL when too many to carry
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (portfolio_id, security_id)
) WITH (fillfactor = 70);
CREATE INDEX position_state_security ON position_state (security_id);

CREATE TABLE findings (
    transaction_id text NOT NULL,
    code text NOT NULL,
    severity text NOT NULL,
    portfolio_id text NOT NULL,
    security_id text NOT NULL,
    business_date date NOT NULL,
    sentence text NOT NULL,
    remedy text NOT NULL,
    waits_for text,
    recorded_at timestamptz NOT NULL,
    resolved_at timestamptz NOT NULL DEFAULT 'infinity'
);
CREATE UNIQUE INDEX findings_open ON findings (transaction_id, code)
    WHERE resolved_at = 'infinity';
CREATE INDEX findings_waiting ON findings (waits_for)
    WHERE resolved_at = 'infinity' AND severity = 'waiting';
CREATE INDEX findings_portfolio ON findings (portfolio_id, security_id);

CREATE TABLE restatements (
    portfolio_id text NOT NULL,
    security_id text NOT NULL,
    epoch integer NOT NULL,
    from_date date NOT NULL,
    reason text NOT NULL,
    entries_closed integer NOT NULL,
    entries_written integer NOT NULL,
    generation bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (portfolio_id, security_id, epoch)
);

-- Keys to be folded again, and from when: state that coalesces, not a queue that grows.
CREATE TABLE book_work (
    portfolio_id text NOT NULL,
    security_id text NOT NULL,
    from_date date NOT NULL,
    reason text NOT NULL,
    requested_at timestamptz NOT NULL,
    PRIMARY KEY (portfolio_id, security_id)
);

CREATE TABLE portfolio_days (
    portfolio_id text NOT NULL,
    day date NOT NULL,
    bod_market_value numeric NOT NULL,
    bod_cashflow numeric NOT NULL,
    eod_cashflow numeric NOT NULL,
    eod_market_value numeric NOT NULL,
    fees numeric NOT NULL,
    unpriced_cost numeric NOT NULL,
    generation bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    superseded_at timestamptz NOT NULL DEFAULT 'infinity'
);
CREATE UNIQUE INDEX portfolio_days_current ON portfolio_days (portfolio_id, day)
    WHERE superseded_at = 'infinity';
CREATE INDEX portfolio_days_superseded ON portfolio_days (portfolio_id, superseded_at)
    WHERE superseded_at < 'infinity';

-- The event log: record batches with gapless offsets per partition, in commit order.

CREATE TABLE log_partitions (
    topic text NOT NULL,
    part integer NOT NULL,
    next_offset bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (topic, part)
) WITH (fillfactor = 50);

-- Opened here, so that no two writers ever wait for each other's first record.
INSERT INTO log_partitions (topic, part)
SELECT topic, part
FROM unnest(ARRAY[
    'raw_portfolios', 'raw_instruments', 'raw_transactions', 'raw_market_prices', 'raw_fx_rates',
    'raw_business_dates', 'transactions_reprocessing_requested', 'raw_transactions_completed',
    'market_price_persisted', 'processed_transactions_completed',
    'daily_position_snapshot_persisted']) AS topic
CROSS JOIN generate_series(0, 15) AS part;

CREATE TABLE event_log (
    topic text NOT NULL,
    part integer NOT NULL,
    first_offset bigint NOT NULL,
    count integer NOT NULL,
    correlation_id text NOT NULL,
    schema_version integer NOT NULL,
    payload bytea NOT NULL,             -- a JSON array of `count` records
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (topic, part, first_offset)
);

CREATE TABLE consumer_offsets (
    consumer text NOT NULL,
    topic text NOT NULL,
    part integer NOT NULL,
    next_offset bigint NOT NULL DEFAULT 0,
    fence bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (consumer, topic, part)
) WITH (fillfactor = 50);

-- One row per batch: the audit of what was processed, and by whom.
CREATE TABLE processed_events (
    consumer text NOT NULL,
    topic text NOT NULL,
    part integer NOT NULL,
    first_offset bigint NOT NULL,
    last_offset bigint NOT NULL,
    fence bigint NOT NULL,
    duplicates integer NOT NULL,
    processed_at timestamptz NOT NULL,
    PRIMARY KEY (consumer, topic, part, first_offset)
);
