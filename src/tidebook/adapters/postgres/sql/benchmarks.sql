-- Levels of benchmarks, kept between fetches, and the updates that fetched them.

-- name: benchmark
SELECT symbol, currency, return_basis, provider, asked_from, fetched_at
FROM benchmarks WHERE symbol = %(symbol)s

-- name: levels
SELECT level_date, level FROM benchmark_levels WHERE symbol = %(symbol)s ORDER BY level_date

-- name: forget
DELETE FROM benchmarks WHERE symbol = %(symbol)s

-- name: keep
INSERT INTO benchmarks (symbol, currency, return_basis, provider, asked_from, fetched_at)
VALUES (%(symbol)s, %(currency)s, %(basis)s, %(provider)s, %(asked_from)s, %(fetched_at)s)

-- name: keep_levels
INSERT INTO benchmark_levels (symbol, level_date, level)
SELECT %(symbol)s, day, level
FROM unnest(%(days)s::date[], %(levels)s::numeric[]) AS given (day, level)

-- name: hold
SELECT pg_advisory_xact_lock(hashtextextended('benchmark ' || %(symbol)s, 0))

-- name: states
SELECT b.symbol, b.currency, b.return_basis, b.provider, b.fetched_at, l.first_on, l.last_on,
       l.level_count
FROM benchmarks AS b
JOIN (SELECT symbol, min(level_date) AS first_on, max(level_date) AS last_on,
             count(*) AS level_count
      FROM benchmark_levels GROUP BY symbol) AS l USING (symbol)
ORDER BY b.symbol

-- name: hold_updates
SELECT pg_advisory_xact_lock(hashtextextended('benchmark updates', 0))

-- name: give_up
UPDATE benchmark_updates SET status = 'failed', ended_at = %(at)s
WHERE status = 'running' AND started_at < %(stale_before)s

-- name: running
SELECT update_id, status, started_at, ended_at, outcomes
FROM benchmark_updates WHERE status = 'running'

-- name: begin
INSERT INTO benchmark_updates (update_id, status, started_at)
VALUES (%(update_id)s, 'running', %(at)s)

-- name: end
UPDATE benchmark_updates
SET status = %(status)s, ended_at = %(ended_at)s, outcomes = %(outcomes)s::jsonb
WHERE update_id = %(update_id)s AND status = 'running'

-- name: update
SELECT update_id, status, started_at, ended_at, outcomes
FROM benchmark_updates WHERE update_id = %(update_id)s

-- name: last_update
SELECT update_id, status, started_at, ended_at, outcomes
FROM benchmark_updates ORDER BY started_at DESC, update_id LIMIT 1
