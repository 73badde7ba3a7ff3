-- name: stage_assertions
CREATE TEMPORARY TABLE IF NOT EXISTS new_assertions
    (assertion_id text, portfolio_id text, security_id text, assertion_date date, quantity numeric,
     tolerance numeric, source text, note text, is_cancelled boolean) ON COMMIT DELETE ROWS

-- name: close_assertions
UPDATE balance_assertions b SET superseded_at = GREATEST(%(at)s, b.recorded_at)
FROM new_assertions n
WHERE b.assertion_id = n.assertion_id AND b.superseded_at = 'infinity'
  AND (b.portfolio_id, b.security_id, b.assertion_date, b.quantity, b.tolerance, b.source, b.note,
       b.is_cancelled)
   <> (n.portfolio_id, n.security_id, n.assertion_date, n.quantity, n.tolerance, n.source, n.note,
       n.is_cancelled)

-- name: insert_assertions
INSERT INTO balance_assertions
    (assertion_id, version, portfolio_id, security_id, assertion_date, quantity, tolerance, source,
     note, is_cancelled, recorded_at)
SELECT n.assertion_id, COALESCE(known.version, 0) + 1, n.portfolio_id, n.security_id,
       n.assertion_date, n.quantity, n.tolerance, n.source, n.note, n.is_cancelled, %(at)s
FROM new_assertions n
LEFT JOIN LATERAL (
    SELECT max(b.version) AS version, bool_or(b.superseded_at = 'infinity') AS stands
    FROM balance_assertions b WHERE b.assertion_id = n.assertion_id
) AS known ON true
WHERE NOT COALESCE(known.stands, false)

-- name: clear_assertions
DELETE FROM new_assertions

-- name: cancel_assertions
WITH gone AS (
    UPDATE balance_assertions SET superseded_at = GREATEST(%(at)s, recorded_at)
    WHERE assertion_id = ANY(%(ids)s) AND superseded_at = 'infinity' AND NOT is_cancelled
    RETURNING *
)
INSERT INTO balance_assertions
    (assertion_id, version, portfolio_id, security_id, assertion_date, quantity, tolerance, source,
     note, is_cancelled, recorded_at)
SELECT assertion_id, version + 1, portfolio_id, security_id, assertion_date, quantity, tolerance,
       source, note, true, superseded_at
FROM gone
