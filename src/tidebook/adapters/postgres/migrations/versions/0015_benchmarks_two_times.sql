-- What was known of benchmarks when: a fetch closes what it replaces instead of deleting it.

ALTER TABLE benchmark_levels DROP CONSTRAINT benchmark_levels_symbol_fkey;
ALTER TABLE benchmark_levels DROP CONSTRAINT benchmark_levels_pkey;
ALTER TABLE benchmark_levels ADD recorded_at timestamptz, ADD superseded_at timestamptz;
UPDATE benchmark_levels AS l SET recorded_at = b.fetched_at FROM benchmarks AS b
WHERE b.symbol = l.symbol;
ALTER TABLE benchmark_levels ALTER recorded_at SET NOT NULL;
ALTER TABLE benchmark_levels ADD PRIMARY KEY (symbol, level_date, recorded_at);
CREATE UNIQUE INDEX benchmark_levels_now ON benchmark_levels (symbol, level_date)
    WHERE superseded_at IS NULL;
CREATE INDEX benchmark_levels_superseded ON benchmark_levels (superseded_at)
    WHERE superseded_at IS NOT NULL;

-- One row a fetch.
ALTER TABLE benchmarks DROP CONSTRAINT benchmarks_pkey;
ALTER TABLE benchmarks ADD superseded_at timestamptz;
ALTER TABLE benchmarks ADD PRIMARY KEY (symbol, fetched_at);
CREATE UNIQUE INDEX benchmarks_now ON benchmarks (symbol) WHERE superseded_at IS NULL;
