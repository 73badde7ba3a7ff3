-- name: letters
SELECT e.topic || '-' || e.part || '-' || (e.first_offset + n - 1) AS letter_id,
       v ->> 'original_topic', (v ->> 'original_partition')::integer,
       (v ->> 'original_offset')::bigint, v ->> 'error_reason', e.recorded_at, e.correlation_id,
       v ->> 'original_value', coalesce(v ->> 'original_headers', '{}'), r.replayed_at
FROM event_log e
CROSS JOIN LATERAL jsonb_array_elements(convert_from(e.payload, 'UTF8')::jsonb)
    WITH ORDINALITY AS l (v, n)
LEFT JOIN replayed_letters r
  ON r.topic = e.topic AND r.part = e.part AND r.log_offset = e.first_offset + n - 1
WHERE e.topic LIKE '%%.dlq'
  AND (%(topic)s::text IS NULL OR e.topic = %(topic)s::text || '.dlq')
  AND (%(everything)s OR r.replayed_at IS NULL)
ORDER BY e.recorded_at, e.topic, e.part, e.first_offset, n

-- name: mark
-- One who replays the same letter at the same time waits here, and then finds it done.
INSERT INTO replayed_letters (topic, part, log_offset, replayed_at, correlation_id)
SELECT topic, part, log_offset, %(at)s, %(correlation_id)s
FROM unnest(%(topics)s::text[], %(parts)s::integer[], %(offsets)s::bigint[])
    AS row (topic, part, log_offset)
ORDER BY topic, part, log_offset
ON CONFLICT DO NOTHING
RETURNING topic || '-' || part || '-' || log_offset

-- name: keep
-- Who keeps the same message at the same time waits here, and then finds it kept.
INSERT INTO live_letters (topic, part, place, set_apart_at)
SELECT topic, part, place, %(at)s
FROM unnest(%(topics)s::text[], %(parts)s::integer[], %(places)s::bigint[]) AS row (topic, part, place)
ORDER BY topic, part, place
ON CONFLICT DO NOTHING
RETURNING topic, part, place
