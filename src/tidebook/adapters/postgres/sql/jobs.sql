-- name: begin
-- One statement decides who runs it: a row that is there and is neither failed nor left stays.
INSERT INTO job_runs AS r (job, scheduled_for, status, attempts, started_at)
VALUES (%(job)s, %(scheduled_for)s, 'running', 1, %(at)s)
ON CONFLICT (job, scheduled_for) DO UPDATE
SET status = 'running', attempts = r.attempts + 1, started_at = excluded.started_at,
    ended_at = NULL, counts = '{}', error = NULL
WHERE r.attempts < %(attempts_max)s
  AND ((r.status = 'failed' AND r.ended_at < %(failed_before)s)
       OR (r.status = 'running' AND r.started_at < %(left_before)s))
RETURNING job, scheduled_for, status, attempts, started_at, ended_at, counts, error

-- name: end
UPDATE job_runs
SET status = %(status)s, ended_at = %(ended_at)s, counts = %(counts)s::jsonb, error = %(error)s
WHERE job = %(job)s AND scheduled_for = %(scheduled_for)s AND started_at = %(started_at)s
  AND status = 'running'

-- name: forget
DELETE FROM job_runs
WHERE job = %(job)s AND scheduled_for < (
    SELECT scheduled_for FROM job_runs WHERE job = %(job)s
    ORDER BY scheduled_for DESC LIMIT 1 OFFSET %(kept)s - 1)

-- name: last
SELECT DISTINCT ON (job) job, scheduled_for, status, attempts, started_at, ended_at, counts, error
FROM job_runs ORDER BY job, scheduled_for DESC

-- name: last_done
SELECT DISTINCT ON (job) job, scheduled_for, status, attempts, started_at, ended_at, counts, error
FROM job_runs WHERE status = 'done' ORDER BY job, scheduled_for DESC
