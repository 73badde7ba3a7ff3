-- name: versions
-- The versions of what answers hold besides entries and series: the portfolio's own terms, and the
-- market by subject. Prices move the valuation version of every portfolio that holds their security;
-- those of others are named as subjects.
SELECT (SELECT max(v.version) FROM portfolio_versions AS v
        WHERE v.portfolio_id = %(portfolio_id)s AND v.recorded_at <= %(known_at)s::timestamptz),
       (SELECT coalesce(sum(m.version), 0) FROM market_versions AS m
        WHERE m.subject = ANY(%(subjects)s))

-- name: subjects
SELECT p.portfolio_id, o.base_currency, p.generation,
       CASE WHEN p.generation = 0 THEN 'EMPTY'
            WHEN p.series_from IS NOT NULL OR w.portfolio_id IS NOT NULL THEN 'REPROCESSING'
            ELSE 'CURRENT' END
FROM portfolios AS o
JOIN portfolio_standings AS p USING (portfolio_id)
LEFT JOIN (SELECT DISTINCT portfolio_id FROM book_work) AS w USING (portfolio_id)
WHERE o.portfolio_id = ANY(%(ids)s)

-- name: span_ends
SELECT a.portfolio_id, f.day, f.bod_market_value::float8, l.eod_market_value::float8, l.day
FROM unnest(%(ids)s::text[]) AS a (portfolio_id)
CROSS JOIN LATERAL (
    SELECT d.day, d.bod_market_value FROM portfolio_days AS d
    WHERE d.portfolio_id = a.portfolio_id AND d.superseded_at = 'infinity'
      AND d.day BETWEEN %(start)s AND %(end)s
    ORDER BY d.day LIMIT 1
) AS f
CROSS JOIN LATERAL (
    SELECT d.day, d.eod_market_value FROM portfolio_days AS d
    WHERE d.portfolio_id = a.portfolio_id AND d.superseded_at = 'infinity'
      AND d.day BETWEEN %(start)s AND %(end)s
    ORDER BY d.day DESC LIMIT 1
) AS l

-- name: inceptions
SELECT a.portfolio_id,
       (SELECT min(d.day) FROM portfolio_days AS d
        WHERE d.portfolio_id = a.portfolio_id AND d.superseded_at = 'infinity')
FROM unnest(%(ids)s::text[]) AS a (portfolio_id)

-- name: turning_days
-- Of very many portfolios every turning day is read, and those of others are left to the caller: to
-- compare each row's text with all of their ids takes longer than to send a few rows too many. The
-- condition is that of the index portfolio_days_turning, word for word.
SELECT d.portfolio_id, d.day, d.bod_market_value::float8, d.bod_cashflow::float8,
       d.eod_cashflow::float8, d.eod_market_value::float8, d.fees::float8, d.unpriced_cost::float8
FROM portfolio_days AS d
WHERE (%(chosen)s::text[] IS NULL OR d.portfolio_id = ANY(%(chosen)s))
  AND d.superseded_at = 'infinity' AND d.day BETWEEN %(start)s AND %(end)s
  AND (d.bod_cashflow <> 0 OR d.eod_cashflow <> 0 OR d.fees <> 0 OR d.unpriced_cost <> 0
       OR d.eod_market_value <= 0)
