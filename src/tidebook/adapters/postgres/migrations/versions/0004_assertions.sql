-- What others say a portfolio held. Versions and two times as for every fact; the book does not
-- rest on these, so nothing else changes with them.

CREATE TABLE balance_assertions (
    assertion_id text NOT NULL,
    version integer NOT NULL,
    portfolio_id text NOT NULL,
    security_id text NOT NULL,
    assertion_date date NOT NULL,
    quantity numeric NOT NULL,
    tolerance numeric NOT NULL,
    source text NOT NULL,
    note text NOT NULL,
    is_cancelled boolean NOT NULL,
    recorded_at timestamptz NOT NULL,
    superseded_at timestamptz NOT NULL DEFAULT 'infinity',
    PRIMARY KEY (assertion_id, version)
);
CREATE UNIQUE INDEX balance_assertions_current ON balance_assertions (assertion_id)
    WHERE superseded_at = 'infinity';
CREATE INDEX balance_assertions_portfolio
    ON balance_assertions (portfolio_id, security_id, assertion_date);

INSERT INTO log_partitions (topic, part)
SELECT 'raw_balance_assertions', part FROM generate_series(0, 15) AS part;
