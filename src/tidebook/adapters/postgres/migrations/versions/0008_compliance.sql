-- What rules say of booked trades. Verdicts are derived: they are judged again from the day on
-- which something they rest on has moved, and what they replace is kept.

-- From when the trades of a portfolio are to be judged again, and when to look at them again
-- because a window ends: state that coalesces, not a queue that grows.
CREATE TABLE compliance_work (
    portfolio_id text PRIMARY KEY,
    unjudged_from date,
    due_on date
) WITH (fillfactor = 70);
CREATE INDEX compliance_work_unjudged ON compliance_work (portfolio_id)
    WHERE unjudged_from IS NOT NULL;
CREATE INDEX compliance_work_due ON compliance_work (due_on) WHERE due_on IS NOT NULL;

-- What users have traded before there were rules is judged once.
INSERT INTO compliance_work (portfolio_id, unjudged_from)
SELECT portfolio_id, DATE '0001-01-01' FROM portfolios WHERE generation > 0 AND cif_id <> '';

CREATE TABLE compliance_policies (
    portfolio_id text NOT NULL,
    version integer NOT NULL,
    household_id text NOT NULL,
    policy text NOT NULL,
    recorded_at timestamptz NOT NULL,
    superseded_at timestamptz NOT NULL DEFAULT 'infinity',
    PRIMARY KEY (portfolio_id, version)
);
CREATE UNIQUE INDEX compliance_policies_current ON compliance_policies (portfolio_id)
    WHERE superseded_at = 'infinity';
CREATE INDEX compliance_policies_household ON compliance_policies (household_id)
    WHERE superseded_at = 'infinity' AND household_id <> '';

-- One row per trade: all that the rules say of it.
CREATE TABLE compliance_verdicts (
    portfolio_id text NOT NULL,
    transaction_id text NOT NULL,
    trade_date date NOT NULL,
    executed_at timestamptz,
    passed smallint NOT NULL,
    flagged smallint NOT NULL,
    failed smallint NOT NULL,
    provisional smallint NOT NULL,
    content_hash text NOT NULL,
    verdicts bytea NOT NULL,            -- packed: a JSON array of verdicts, arrays of their fields
    generation bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    superseded_at timestamptz NOT NULL DEFAULT 'infinity'
);
CREATE UNIQUE INDEX compliance_verdicts_current
    ON compliance_verdicts (portfolio_id, trade_date, transaction_id)
    WHERE superseded_at = 'infinity';
CREATE INDEX compliance_verdicts_superseded ON compliance_verdicts (portfolio_id, superseded_at)
    WHERE superseded_at < 'infinity';

-- Who has seen a verdict and lets it stand, and why. Never changed, never deleted.
CREATE TABLE compliance_acknowledgements (
    acknowledgement_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    portfolio_id text NOT NULL,
    transaction_id text NOT NULL,
    rule_id text NOT NULL,
    rule_version text NOT NULL,
    status text NOT NULL,
    actor text NOT NULL,
    reason text NOT NULL,
    correlation_id text NOT NULL,
    recorded_at timestamptz NOT NULL
);
CREATE INDEX compliance_acknowledgements_trade
    ON compliance_acknowledgements (portfolio_id, transaction_id, rule_id);
