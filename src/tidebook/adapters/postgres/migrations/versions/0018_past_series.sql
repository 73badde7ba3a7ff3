-- A late trade replaces every day of a series. To close each row where it stands writes it once more,
-- with an index besides; to take them all away and keep them in one row takes half as long.

-- Days of one portfolio that were replaced at one instant. The arrays go by their place. Where all
-- days were recorded at one instant, or by one generation, it is told once; amounts that are zero on
-- every day are not told.
CREATE TABLE past_series (
    portfolio_id text NOT NULL,
    superseded_at timestamptz NOT NULL,
    days date[] NOT NULL,
    bod_market_values numeric[] NOT NULL,
    bod_cashflows numeric[],
    eod_cashflows numeric[],
    eod_market_values numeric[] NOT NULL,
    fees numeric[],
    unpriced_costs numeric[],
    generations bigint[] NOT NULL,
    recorded_at timestamptz[] NOT NULL
);
CREATE INDEX past_series_portfolio ON past_series (portfolio_id, superseded_at);
-- Values of money do not compress, and to try takes longer than to write them.
ALTER TABLE past_series
    ALTER bod_market_values SET STORAGE EXTERNAL, ALTER eod_market_values SET STORAGE EXTERNAL;

-- Every day that was replaced, one to a row. Earlier releases closed rows where they stood.
CREATE VIEW past_days AS
SELECT portfolio_id, day, bod_market_value, bod_cashflow, eod_cashflow, eod_market_value, fees,
       unpriced_cost, generation, recorded_at, superseded_at
FROM portfolio_days
WHERE superseded_at < 'infinity'
UNION ALL
SELECT p.portfolio_id, d.day, d.bod_market_value, coalesce(d.bod_cashflow, 0),
       coalesce(d.eod_cashflow, 0), d.eod_market_value, coalesce(d.fees, 0),
       coalesce(d.unpriced_cost, 0), coalesce(d.generation, p.generations[1]),
       coalesce(d.recorded_at, p.recorded_at[1]), p.superseded_at
FROM past_series p
CROSS JOIN LATERAL unnest(p.days, p.bod_market_values, p.bod_cashflows, p.eod_cashflows,
                          p.eod_market_values, p.fees, p.unpriced_costs, p.generations,
                          p.recorded_at)
     AS d (day, bod_market_value, bod_cashflow, eod_cashflow, eod_market_value, fees,
           unpriced_cost, generation, recorded_at);

-- Few days have any of these: the many are written without them.
ALTER TABLE portfolio_days
    ALTER bod_cashflow SET DEFAULT 0, ALTER eod_cashflow SET DEFAULT 0,
    ALTER fees SET DEFAULT 0, ALTER unpriced_cost SET DEFAULT 0;
