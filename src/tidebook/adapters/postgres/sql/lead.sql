-- name: take
SELECT pg_try_advisory_lock(%(lock)s)

-- name: end_frozen
-- Who holds or wants this lead says something on its session again and again. One that has said nothing for
-- so long does not run, though the operating system answers for it: what it holds is free for the others.
-- A statement that it sent before, or whose answer nobody fetches, says nothing of it.
WITH silent AS (
    SELECT right(application_name, %(digits)s) AS process
    FROM pg_stat_activity
    WHERE datname = current_database() AND usename = current_user
      AND application_name LIKE %(leads)s AND state = 'idle'
      AND state_change < clock_timestamp() - make_interval(secs => %(lease_seconds)s)
)
SELECT count(*) FILTER (WHERE pg_terminate_backend(pid))
FROM pg_stat_activity
WHERE datname = current_database() AND usename = current_user
  AND right(application_name, %(digits)s) IN (SELECT process FROM silent)
  AND state_change < clock_timestamp() - make_interval(secs => %(lease_seconds)s)
  AND (state <> 'active' OR wait_event = 'ClientWrite')
