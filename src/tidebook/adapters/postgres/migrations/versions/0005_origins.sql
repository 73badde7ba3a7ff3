-- The file and line a version of a fact was imported from; facts that came otherwise have no row.
-- The instant tells which version: it is that of which the version was recorded.

CREATE TABLE fact_origins (
    kind text NOT NULL,                 -- 'transaction', 'price' or 'rate'
    id text NOT NULL,                   -- transaction, security, or the pair as A/B
    day date,                           -- of a price or a rate
    recorded_at timestamptz NOT NULL,
    origin text NOT NULL                -- such as trades.csv:12
);
CREATE INDEX fact_origins_fact ON fact_origins (kind, id, recorded_at);
