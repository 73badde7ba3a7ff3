-- name: open_partitions
INSERT INTO log_partitions (topic, part)
SELECT * FROM unnest(%(topics)s::text[], %(parts)s::integer[])
ON CONFLICT DO NOTHING

-- name: lock_partitions
SELECT topic, part, next_offset FROM log_partitions
WHERE (topic, part) IN (SELECT * FROM unnest(%(topics)s::text[], %(parts)s::integer[]))
ORDER BY topic, part
FOR UPDATE

-- name: append
-- Payloads go as the bytes that they are: as text each would be twice as long.
WITH appended AS (
    INSERT INTO event_log
        (topic, part, first_offset, count, correlation_id, schema_version, payload, recorded_at)
    SELECT topic, part, first_offset, count, correlation_id, 1, payload, %(at)s
    FROM unnest(
        %(topics)s::text[], %(parts)s::integer[], %(offsets)s::bigint[], %(counts)s::integer[],
        %(correlation_ids)s::text[], %(payloads)b::bytea[]
    ) AS row (topic, part, first_offset, count, correlation_id, payload)
    RETURNING topic, part, first_offset + count AS next_offset
), reached AS (
    SELECT topic, part, max(next_offset) AS next_offset FROM appended GROUP BY topic, part
)
UPDATE log_partitions AS p SET next_offset = reached.next_offset
FROM reached WHERE p.topic = reached.topic AND p.part = reached.part

-- name: notify
SELECT pg_notify('tidebook_log', %(hint)s)

-- name: unread
SELECT o.topic, o.part, o.next_offset, e.first_offset, e.count, e.correlation_id, e.payload
FROM consumer_offsets o
JOIN log_partitions p ON p.topic = o.topic AND p.part = o.part AND p.next_offset > o.next_offset
CROSS JOIN LATERAL (
    SELECT first_offset, count, correlation_id, payload
    FROM event_log e
    WHERE e.topic = o.topic AND e.part = o.part AND e.first_offset + e.count > o.next_offset
      AND e.first_offset >= COALESCE((
          SELECT max(first_offset) FROM event_log f
          WHERE f.topic = o.topic AND f.part = o.part AND f.first_offset <= o.next_offset), 0)
      AND e.first_offset < o.next_offset + %(limit)s
    ORDER BY first_offset
) e
WHERE o.consumer = %(consumer)s AND (o.topic, o.part) IN (
    SELECT * FROM unnest(%(topics)s::text[], %(parts)s::integer[]))
ORDER BY o.topic, o.part, e.first_offset

-- name: take_partitions
INSERT INTO consumer_offsets AS c (consumer, topic, part, fence)
SELECT %(consumer)s, topic, part, 1
FROM unnest(%(topics)s::text[], %(parts)s::integer[]) AS row (topic, part)
ON CONFLICT (consumer, topic, part) DO UPDATE SET fence = c.fence + 1
RETURNING topic, part, fence

-- name: hold_fence
SELECT 1 FROM consumer_offsets
WHERE consumer = %(consumer)s AND topic = %(topic)s AND part = %(part)s AND fence = %(fence)s
FOR SHARE

-- name: hurry
SET LOCAL synchronous_commit TO off

-- name: complete
WITH done AS (
    SELECT * FROM unnest(
        %(topics)s::text[], %(parts)s::integer[], %(firsts)s::bigint[], %(afters)s::bigint[],
        %(fences)s::bigint[], %(duplicates)s::bigint[]
    ) AS row (topic, part, first, after, fence, duplicates)
), moved AS (
    UPDATE consumer_offsets c SET next_offset = d.after
    FROM done d
    WHERE c.consumer = %(consumer)s AND c.topic = d.topic AND c.part = d.part
      AND c.fence = d.fence AND c.next_offset = d.first
    RETURNING d.*
)
INSERT INTO processed_events
    (consumer, topic, part, first_offset, last_offset, fence, duplicates, processed_at)
SELECT %(consumer)s, topic, part, first, after - 1, fence, duplicates, %(at)s
FROM moved
-- An offset that was set back by hand is passed again; the last passage stands.
ON CONFLICT (consumer, topic, part, first_offset) DO UPDATE SET
    last_offset = excluded.last_offset, fence = excluded.fence,
    duplicates = excluded.duplicates, processed_at = excluded.processed_at
RETURNING 1

-- name: pass
-- The same for batches that came through a broker: the place there decides, the offset follows. The
-- audit tells offsets of the log; a batch of repeats or of others' messages passes none.
WITH done AS (
    SELECT * FROM unnest(
        %(topics)s::text[], %(parts)s::integer[], %(firsts)s::bigint[], %(afters)s::bigint[],
        %(fences)s::bigint[], %(duplicates)s::bigint[], %(first_places)s::bigint[],
        %(places)s::bigint[]
    ) AS row (topic, part, first, after, fence, duplicates, first_place, place)
), moved AS (
    UPDATE consumer_offsets c SET broker_place = d.place, next_offset = d.after
    FROM done d
    WHERE c.consumer = %(consumer)s AND c.topic = d.topic AND c.part = d.part
      AND c.fence = d.fence AND c.broker_place = d.first_place AND c.next_offset = d.first
    RETURNING d.*
), audited AS (
    INSERT INTO processed_events
        (consumer, topic, part, first_offset, last_offset, fence, duplicates, processed_at)
    SELECT %(consumer)s, topic, part, first, after - 1, fence, duplicates, %(at)s
    FROM moved WHERE after > first
    ON CONFLICT (consumer, topic, part, first_offset) DO UPDATE SET
        last_offset = excluded.last_offset, fence = excluded.fence,
        duplicates = excluded.duplicates, processed_at = excluded.processed_at
)
SELECT 1 FROM moved

-- name: own
INSERT INTO consumer_offsets AS c (consumer, topic, part, fence)
SELECT %(consumer)s, topic, part, 1
FROM unnest(%(topics)s::text[], %(parts)s::integer[]) AS row (topic, part)
ORDER BY topic, part
ON CONFLICT (consumer, topic, part) DO UPDATE SET fence = c.fence + 1
RETURNING topic, part, fence, next_offset, broker_place

-- name: owned
SELECT topic, part, fence, next_offset, broker_place FROM consumer_offsets
WHERE consumer = %(consumer)s AND (topic, part) IN (
    SELECT * FROM unnest(%(topics)s::text[], %(parts)s::integer[]))

-- name: rewind
UPDATE consumer_offsets c SET next_offset = row.next_offset
FROM unnest(%(topics)s::text[], %(parts)s::integer[], %(offsets)s::bigint[])
    AS row (topic, part, next_offset)
WHERE c.consumer = %(consumer)s AND c.topic = row.topic AND c.part = row.part
  AND c.next_offset > row.next_offset

-- name: make_identity
INSERT INTO log_identity (log_id) VALUES (gen_random_uuid()) ON CONFLICT DO NOTHING

-- name: identity
SELECT log_id::text FROM log_identity

-- name: progress
SELECT topic, part, next_offset FROM consumer_offsets WHERE consumer = %(consumer)s

-- name: backlog
SELECT o.topic, o.part, p.next_offset - o.next_offset
FROM consumer_offsets o
JOIN log_partitions p USING (topic, part)
WHERE o.consumer = %(consumer)s AND p.next_offset > o.next_offset
  AND (o.topic, o.part) IN (SELECT * FROM unnest(%(topics)s::text[], %(parts)s::integer[]))
