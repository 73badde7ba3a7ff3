-- name: take
-- The lock is the session's; who holds it reads the partition.
SELECT topic, part, COALESCE((
    SELECT broker_place FROM consumer_offsets o
    WHERE o.consumer = %(consumer)s AND o.topic = row.topic AND o.part = row.part), 0)
FROM unnest(%(topics)s::text[], %(parts)s::integer[]) AS row (topic, part)
WHERE pg_try_advisory_lock(hashtextextended(%(consumer)s || '/' || topic || '/' || part, 0))

-- name: settle
INSERT INTO consumer_offsets (consumer, topic, part, broker_place)
SELECT %(consumer)s, topic, part, place
FROM unnest(%(topics)s::text[], %(parts)s::integer[], %(places)s::bigint[]) AS row (topic, part, place)
ON CONFLICT (consumer, topic, part) DO UPDATE SET broker_place = excluded.broker_place

-- name: unread
SELECT o.topic, o.part, o.place, e.first_offset, e.count, e.correlation_id, e.payload
FROM unnest(%(topics)s::text[], %(parts)s::integer[], %(places)s::bigint[]) AS o (topic, part, place)
CROSS JOIN LATERAL (
    SELECT first_offset, count, correlation_id, payload
    FROM event_log e
    WHERE e.topic = o.topic AND e.part = o.part AND e.first_offset + e.count > o.place
      AND e.first_offset >= COALESCE((
          SELECT max(first_offset) FROM event_log f
          WHERE f.topic = o.topic AND f.part = o.part AND f.first_offset <= o.place), 0)
      AND e.first_offset < o.place + %(limit)s
    ORDER BY first_offset
) e
ORDER BY o.topic, o.part, e.first_offset

-- name: beginnings
-- A partition without a record since then is read from its end.
SELECT t.topic, part, COALESCE(
    (SELECT min(e.first_offset) FROM event_log e
     WHERE e.topic = t.topic AND e.part = p.part AND e.recorded_at >= t.since),
    (SELECT max(e.first_offset + e.count) FROM event_log e
     WHERE e.topic = t.topic AND e.part = p.part), 0)
FROM unnest(%(topics)s::text[], %(since)s::timestamptz[]) AS t (topic, since)
CROSS JOIN generate_series(0, %(partitions)s - 1) AS p (part)

-- name: ends
SELECT row.topic, row.part, COALESCE(p.next_offset, 0)
FROM unnest(%(topics)s::text[], %(parts)s::integer[]) AS row (topic, part)
LEFT JOIN log_partitions p USING (topic, part)
