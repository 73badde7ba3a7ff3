-- Levels of benchmarks, kept between fetches, and the updates that fetched them.

-- name: benchmark
SELECT symbol, currency, return_basis, provider, asked_from, fetched_at
FROM benchmarks WHERE symbol = %(symbol)s AND superseded_at IS NULL

-- name: benchmark_known
SELECT symbol, currency, return_basis, provider, asked_from, fetched_at
FROM benchmarks
WHERE symbol = %(symbol)s AND fetched_at <= %(known_at)s
  AND (superseded_at IS NULL OR superseded_at > %(known_at)s)

-- name: levels
SELECT level_date, level FROM benchmark_levels
WHERE symbol = %(symbol)s AND superseded_at IS NULL ORDER BY level_date

-- name: levels_known
SELECT level_date, level FROM benchmark_levels
WHERE symbol = %(symbol)s AND recorded_at <= %(known_at)s
  AND (superseded_at IS NULL OR superseded_at > %(known_at)s)
ORDER BY level_date

-- name: withdraw
-- What was recorded at the very instant of its replacement was never known.
DELETE FROM benchmarks
WHERE symbol = %(symbol)s AND superseded_at IS NULL AND fetched_at >= %(fetched_at)s

-- name: close
UPDATE benchmarks SET superseded_at = %(fetched_at)s
WHERE symbol = %(symbol)s AND superseded_at IS NULL

-- name: withdraw_levels
DELETE FROM benchmark_levels AS l
WHERE l.symbol = %(symbol)s AND l.superseded_at IS NULL AND l.recorded_at >= %(fetched_at)s
  AND NOT EXISTS (
      SELECT FROM unnest(%(days)s::date[], %(levels)s::numeric(38, 18)[]) AS given (day, level)
      WHERE given.day = l.level_date AND given.level = l.level)

-- name: close_levels
UPDATE benchmark_levels AS l SET superseded_at = %(fetched_at)s
WHERE l.symbol = %(symbol)s AND l.superseded_at IS NULL
  AND NOT EXISTS (
      SELECT FROM unnest(%(days)s::date[], %(levels)s::numeric(38, 18)[]) AS given (day, level)
      WHERE given.day = l.level_date AND given.level = l.level)

-- name: keep
INSERT INTO benchmarks (symbol, currency, return_basis, provider, asked_from, fetched_at)
VALUES (%(symbol)s, %(currency)s, %(basis)s, %(provider)s, %(asked_from)s, %(fetched_at)s)

-- name: keep_levels
-- A level that is as it was stays as it is.
INSERT INTO benchmark_levels (symbol, level_date, level, recorded_at)
SELECT %(symbol)s, day, level, %(fetched_at)s
FROM unnest(%(days)s::date[], %(levels)s::numeric(38, 18)[]) AS given (day, level)
ON CONFLICT (symbol, level_date) WHERE superseded_at IS NULL DO NOTHING

-- name: hold
SELECT pg_advisory_xact_lock(hashtextextended('benchmark ' || %(symbol)s, 0))

-- name: states
SELECT b.symbol, b.currency, b.return_basis, b.provider, b.fetched_at, l.first_on, l.last_on,
       l.level_count
FROM benchmarks AS b
JOIN (SELECT symbol, min(level_date) AS first_on, max(level_date) AS last_on,
             count(*) AS level_count
      FROM benchmark_levels WHERE superseded_at IS NULL GROUP BY symbol) AS l USING (symbol)
WHERE b.superseded_at IS NULL
ORDER BY b.symbol

-- name: ends
SELECT b.symbol, b.fetched_at, l.last_on
FROM benchmarks AS b
JOIN LATERAL (SELECT max(level_date) AS last_on FROM benchmark_levels
              WHERE symbol = b.symbol AND superseded_at IS NULL) AS l ON l.last_on IS NOT NULL
WHERE b.symbol = ANY(%(symbols)s) AND b.superseded_at IS NULL
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
