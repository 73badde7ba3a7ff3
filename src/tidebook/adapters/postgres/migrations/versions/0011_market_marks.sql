-- A price may be held by every portfolio. To change all of their rows takes far longer than to insert
-- as many narrow ones: the wide rows are written anew with every one of their indexes.

-- The series that the market has moved: from which day, since which change, and how often. Whoever
-- brings a series up to date takes its mark away and adds the moves to its valuation version.
CREATE TABLE market_marks (
    portfolio_id text PRIMARY KEY,
    from_date date NOT NULL,
    change_id bigint NOT NULL,
    moves bigint NOT NULL
) WITH (fillfactor = 70);

-- What earlier releases have marked has been counted already.
INSERT INTO market_marks (portfolio_id, from_date, change_id, moves)
SELECT portfolio_id, series_from, series_change, 0 FROM portfolios
WHERE series_from IS NOT NULL AND series_change IS NOT NULL;

ALTER TABLE portfolios DROP COLUMN series_change;

-- From where on a series is not right, whichever of the book and the market has moved it.
CREATE VIEW portfolio_standings AS
SELECT p.portfolio_id, p.generation, p.series_generation,
       p.valuation_version + coalesce(m.moves, 0) AS valuation_version,
       LEAST(p.series_from, m.from_date) AS series_from
FROM portfolios AS p
LEFT JOIN market_marks AS m USING (portfolio_id);
