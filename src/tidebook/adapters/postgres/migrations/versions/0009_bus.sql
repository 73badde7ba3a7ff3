-- Where a consumer has come to in a partition of a broker; offsets are those of the log.
ALTER TABLE consumer_offsets ADD COLUMN broker_place bigint NOT NULL DEFAULT 0;

-- Opened here, so that no two writers ever wait for each other's first record.
INSERT INTO log_partitions (topic, part)
SELECT topic || suffix, part
FROM unnest(ARRAY[
    'raw_portfolios', 'raw_instruments', 'raw_transactions', 'raw_market_prices', 'raw_fx_rates',
    'raw_business_dates', 'raw_corporate_actions', 'raw_balance_assertions',
    'transactions_reprocessing_requested']) AS topic
CROSS JOIN unnest(ARRAY['', '.dlq']) AS suffix
CROSS JOIN generate_series(0, 15) AS part
ON CONFLICT DO NOTHING;

-- Which log this is, made when it is first shipped: a broker may still hold messages of another.
CREATE TABLE log_identity (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    log_id uuid NOT NULL
);

-- Dead letters that were sent again, by their place in the log.
CREATE TABLE replayed_letters (
    topic text NOT NULL,
    part integer NOT NULL,
    log_offset bigint NOT NULL,
    replayed_at timestamptz NOT NULL,
    correlation_id text NOT NULL,
    PRIMARY KEY (topic, part, log_offset)
);

-- Before this instant nothing can be known any more: what was replaced until then is deleted.
CREATE TABLE retention_horizon (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    known_from timestamptz NOT NULL
);
