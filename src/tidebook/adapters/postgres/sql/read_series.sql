-- name: versions
-- The versions of what answers hold besides entries and series: the portfolio's own terms, and the
-- market by subject. Prices move the valuation version of every portfolio that holds their security.
SELECT (SELECT max(v.version) FROM portfolio_versions AS v
        WHERE v.portfolio_id = %(portfolio_id)s AND v.recorded_at <= %(known_at)s::timestamptz),
       (SELECT coalesce(sum(m.version), 0) FROM market_versions AS m
        WHERE m.subject IN ('rates', 'dates', 'instruments', 'actions'))
