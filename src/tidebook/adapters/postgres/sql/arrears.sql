-- How far the system is behind. Every statement reads the ends of indexes, so that asking every few
-- seconds costs next to nothing, however long the history is.

-- name: lags
-- Records of which a consumer has processed none count from the beginning of the log.
SELECT o.consumer, o.topic, sum(p.next_offset - o.next_offset)::bigint, min(e.recorded_at)
FROM consumer_offsets o
JOIN log_partitions p USING (topic, part)
LEFT JOIN LATERAL (
    SELECT l.recorded_at FROM event_log l
    WHERE l.topic = o.topic AND l.part = o.part AND l.first_offset + l.count > o.next_offset
      AND l.first_offset >= COALESCE((
          SELECT max(b.first_offset) FROM event_log b
          WHERE b.topic = o.topic AND b.part = o.part AND b.first_offset <= o.next_offset), 0)
      AND p.next_offset > o.next_offset
    ORDER BY l.first_offset LIMIT 1
) e ON true
WHERE o.consumer = ANY(%(consumers)s)
GROUP BY o.consumer, o.topic
ORDER BY o.consumer, o.topic

-- name: unfolded
SELECT count(*), min(requested_at) FROM book_work

-- name: unvalued
SELECT count(DISTINCT portfolio_id), min(since) FROM (
    SELECT portfolio_id, series_from AS since FROM portfolios WHERE series_from IS NOT NULL
    UNION ALL
    SELECT portfolio_id, from_date FROM market_marks
) AS behind

-- name: dead_letters
SELECT p.topic, sum(p.next_offset)::bigint
       - (SELECT count(*) FROM replayed_letters r WHERE r.topic = p.topic)
FROM log_partitions p
WHERE p.topic LIKE '%%.dlq'
GROUP BY p.topic
ORDER BY p.topic

-- name: taken
SELECT o.topic, max(t.processed_at)
FROM consumer_offsets o
CROSS JOIN LATERAL (
    SELECT e.processed_at FROM processed_events e
    WHERE e.consumer = o.consumer AND e.topic = o.topic AND e.part = o.part
    ORDER BY e.first_offset DESC LIMIT 1
) t
WHERE o.consumer = %(consumer)s AND o.topic = ANY(%(topics)s)
GROUP BY o.topic
ORDER BY o.topic

-- name: benchmarks
SELECT min(last.level_date)
FROM benchmarks b
CROSS JOIN LATERAL (
    SELECT l.level_date FROM benchmark_levels l
    WHERE l.symbol = b.symbol AND l.superseded_at IS NULL ORDER BY l.level_date DESC LIMIT 1
) last
WHERE b.superseded_at IS NULL
