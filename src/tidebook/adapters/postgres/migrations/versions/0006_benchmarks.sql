-- Levels of benchmarks as a provider gave them last. A distribution changes all earlier levels, so
-- that those of one benchmark are always replaced together.

CREATE TABLE benchmarks (
    symbol text PRIMARY KEY,
    currency text NOT NULL,
    return_basis text NOT NULL,         -- 'total_return' or 'price'
    provider text NOT NULL,             -- who gave the levels
    asked_from date NOT NULL,           -- the first day that the provider was asked for
    fetched_at timestamptz NOT NULL
);

CREATE TABLE benchmark_levels (
    symbol text NOT NULL REFERENCES benchmarks ON DELETE CASCADE,
    level_date date NOT NULL,
    level numeric(38, 18) NOT NULL CHECK (level > 0),
    PRIMARY KEY (symbol, level_date)
);

CREATE TABLE benchmark_updates (
    update_id text PRIMARY KEY,
    status text NOT NULL,               -- 'running', 'done' or 'failed'
    started_at timestamptz NOT NULL,
    ended_at timestamptz,
    outcomes jsonb NOT NULL DEFAULT '[]'
);
-- One update runs at a time, in whatever process.
CREATE UNIQUE INDEX benchmark_updates_running ON benchmark_updates (status)
    WHERE status = 'running';
