-- name: log
-- From the beginning of each partition only, so that no gap is left; never what somebody who needs
-- it has not read, and never a dead letter that was not sent again.
WITH kept AS (
    SELECT e.topic, e.part, min(e.first_offset) AS first
    FROM event_log e
    LEFT JOIN LATERAL (
        SELECT min(coalesce(o.next_offset, 0)) AS passed
        FROM unnest(%(readers)s::text[], %(topics)s::text[]) AS r (consumer, topic)
        LEFT JOIN consumer_offsets o
          ON o.consumer = r.consumer AND o.topic = e.topic AND o.part = e.part
        WHERE r.topic = e.topic
    ) n ON true
    WHERE e.recorded_at >= %(before)s
       OR e.first_offset + e.count > coalesce(n.passed, e.first_offset + e.count)
       OR (e.topic LIKE '%%.dlq' AND e.count > (
           SELECT count(*) FROM replayed_letters l
           WHERE l.topic = e.topic AND l.part = e.part
             AND l.log_offset >= e.first_offset AND l.log_offset < e.first_offset + e.count))
    GROUP BY e.topic, e.part
), old AS (
    SELECT e.ctid FROM event_log e LEFT JOIN kept k USING (topic, part)
    WHERE e.recorded_at < %(before)s AND (k.first IS NULL OR e.first_offset < k.first)
    ORDER BY e.topic, e.part, e.first_offset
    LIMIT %(limit)s
)
DELETE FROM event_log WHERE ctid IN (SELECT ctid FROM old)

-- name: processed_events
-- The last of each partition stays: it says where the consumer stands.
WITH kept AS (
    SELECT consumer, topic, part,
           least(max(first_offset), min(first_offset) FILTER (WHERE processed_at >= %(before)s))
               AS first
    FROM processed_events GROUP BY consumer, topic, part
), old AS (
    SELECT e.ctid FROM processed_events e JOIN kept k USING (consumer, topic, part)
    WHERE e.first_offset < k.first
    ORDER BY e.consumer, e.topic, e.part, e.first_offset
    LIMIT %(limit)s
)
DELETE FROM processed_events WHERE ctid IN (SELECT ctid FROM old)

-- name: raise_horizon
INSERT INTO retention_horizon (known_from) VALUES (%(before)s)
ON CONFLICT (one) DO UPDATE SET known_from = greatest(retention_horizon.known_from, excluded.known_from)

-- name: horizon
SELECT known_from FROM retention_horizon
