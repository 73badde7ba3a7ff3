-- What was written anew: keys of the book, and daily series because of the market. A series belongs
-- to a security where one of its causes does.

-- name: count
SELECT (
    SELECT count(*) FROM restatements AS r
    WHERE r.portfolio_id = %(portfolio_id)s
      AND r.recorded_at BETWEEN %(since)s::timestamptz AND %(known_at)s::timestamptz
      AND r.from_date <= %(as_of)s::date
      AND (%(security_id)s::text IS NULL OR r.security_id = %(security_id)s)
) + (
    SELECT count(*) FROM series_restatements AS s
    WHERE s.portfolio_id = %(portfolio_id)s
      AND s.recorded_at BETWEEN %(since)s::timestamptz AND %(known_at)s::timestamptz
      AND s.from_date <= %(as_of)s::date
      AND (%(security_id)s::text IS NULL OR EXISTS (
          SELECT FROM jsonb_array_elements(s.causes) AS c
          WHERE (c ->> 0 IN ('price', 'instrument')
                 AND regexp_replace(c ->> 1, ' [0-9-]{10}([.]{2}[0-9-]{10})?$', '')
                     = %(security_id)s)
             OR (c ->> 0 = 'corporate_action'
                 AND EXISTS (SELECT FROM corporate_actions AS a
                             WHERE a.action_id IN (c ->> 1,
                                 regexp_replace(c ->> 1, ' [0-9-]{10}([.]{2}[0-9-]{10})?$', ''))
                               AND %(security_id)s IN (a.security_id, a.to_security_id)))))
)

-- name: page
SELECT * FROM (
    SELECT r.security_id, r.epoch, r.from_date, r.reason, r.entries_closed, r.entries_written,
           r.recorded_at, r.causes, r.quantity_before, r.cost_base_before, r.realised_base_before,
           r.quantity_after, r.cost_base_after, r.realised_base_after, NULL::date AS to_date,
           NULL::integer AS days, NULL::date AS value_on, NULL::numeric AS value_before,
           NULL::numeric AS value_after
    FROM restatements AS r
    WHERE r.portfolio_id = %(portfolio_id)s
      AND r.recorded_at BETWEEN %(since)s::timestamptz AND %(known_at)s::timestamptz
      AND r.from_date <= %(as_of)s::date
      AND (%(security_id)s::text IS NULL OR r.security_id = %(security_id)s)
    UNION ALL
    SELECT NULL, NULL, s.from_date, 'days already valued were valued anew', NULL, NULL,
           s.recorded_at, s.causes, NULL, NULL, NULL, NULL, NULL, NULL, s.to_date,
           s.days, s.value_on, s.value_before, s.value_after
    FROM series_restatements AS s
    WHERE s.portfolio_id = %(portfolio_id)s
      AND s.recorded_at BETWEEN %(since)s::timestamptz AND %(known_at)s::timestamptz
      AND s.from_date <= %(as_of)s::date
      AND (%(security_id)s::text IS NULL OR EXISTS (
          SELECT FROM jsonb_array_elements(s.causes) AS c
          WHERE (c ->> 0 IN ('price', 'instrument')
                 AND regexp_replace(c ->> 1, ' [0-9-]{10}([.]{2}[0-9-]{10})?$', '')
                     = %(security_id)s)
             OR (c ->> 0 = 'corporate_action'
                 AND EXISTS (SELECT FROM corporate_actions AS a
                             WHERE a.action_id IN (c ->> 1,
                                 regexp_replace(c ->> 1, ' [0-9-]{10}([.]{2}[0-9-]{10})?$', ''))
                               AND %(security_id)s IN (a.security_id, a.to_security_id)))))
) AS log
ORDER BY recorded_at DESC, security_id COLLATE "C" NULLS LAST, epoch DESC
OFFSET %(skip)s LIMIT %(limit)s
