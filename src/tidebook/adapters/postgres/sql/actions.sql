-- Corporate actions: written with all they bring about.

-- name: current
SELECT action_id, version, content_hash, type, security_id, ex_date, new_units, old_units,
       to_security_id, cost_fraction, cash_per_unit, cash_currency, portfolio_id, note, cancelled
FROM corporate_actions
WHERE action_id = ANY(%(ids)s) AND superseded_at = 'infinity'

-- name: close
UPDATE corporate_actions SET superseded_at = GREATEST(%(at)s, recorded_at)
WHERE action_id = ANY(%(ids)s) AND superseded_at = 'infinity'

-- name: refold
-- Every portfolio that ever held the security, or the one it leads to, of the action as it is and
-- as it was, and the cash accounts on which it stands booked.
INSERT INTO book_work AS w
    (portfolio_id, security_id, from_date, reason, requested_at, causes)
SELECT k.portfolio_id, k.security_id, min(k.ex_date), %(reason)s, %(at)s,
       (SELECT jsonb_agg(DISTINCT c.cause)
        FROM jsonb_path_query(jsonb_agg(k.causes), '$[*][*]') AS c (cause))
FROM (
    SELECT s.portfolio_id, l.security_id, a.ex_date, a.causes::jsonb AS causes
    FROM unnest(%(securities)s::text[], %(to_securities)s::text[], %(portfolios)s::text[],
                %(days)s::date[], %(causes)s::text[])
         AS a (security_id, to_security_id, portfolio_id, ex_date, causes)
    JOIN position_state s ON s.security_id IN (a.security_id, a.to_security_id)
    CROSS JOIN LATERAL (VALUES (a.security_id), (a.to_security_id)) AS l (security_id)
    WHERE a.portfolio_id IN ('', s.portfolio_id) AND l.security_id <> ''
    UNION ALL
    SELECT e.portfolio_id, e.security_id, e.business_date, a.causes::jsonb
    FROM unnest(%(booked_ids)s::text[], %(cash_ids)s::text[], %(booked_portfolios)s::text[],
                %(booked_securities)s::text[], %(booked_causes)s::text[])
         AS a (action_id, cash_id, portfolio_id, security_id, causes)
    JOIN position_state s ON s.security_id = a.security_id
    JOIN entries e
      ON e.portfolio_id = s.portfolio_id AND e.security_id = a.cash_id
     AND e.transaction_id = a.action_id || '@' || s.portfolio_id AND e.superseded_at = 'infinity'
    WHERE a.portfolio_id IN ('', s.portfolio_id)
) AS k
GROUP BY 1, 2
ON CONFLICT (portfolio_id, security_id) DO UPDATE SET
    from_date = LEAST(w.from_date, excluded.from_date),
    causes = CASE WHEN jsonb_array_length(w.causes) < 20 THEN w.causes || excluded.causes
                  ELSE w.causes END

-- name: currencies
SELECT security_id, currency FROM instruments WHERE security_id = ANY(%(ids)s)
