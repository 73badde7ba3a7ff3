-- Positions, their changes and their lots. known_at is 'infinity' for now, as_of and end are
-- 'infinity' for whatever was booked. Rows still current are named apart so that their partial
-- index serves; the order inside a key is that of Posting.order.

-- name: positions_now
SELECT s.security_id, s.currency, s.quantity, s.cost_local, s.cost_base, s.realised_local,
       s.realised_base, s.changed_on, s.epoch, w.security_id IS NOT NULL
FROM position_state AS s
LEFT JOIN book_work AS w ON w.portfolio_id = s.portfolio_id AND w.security_id = s.security_id
WHERE s.portfolio_id = %(portfolio_id)s AND (%(include_closed)s OR s.quantity <> 0)
ORDER BY s.security_id COLLATE "C"

-- name: positions_at
SELECT k.security_id, coalesce(s.currency, k.currency), k.quantity, k.cost_local, k.cost_base,
       k.realised_local, k.realised_base, k.changed_on, coalesce(s.epoch, k.epoch),
       w.security_id IS NOT NULL
FROM (
    SELECT e.security_id, min(e.currency) AS currency, sum(e.quantity) AS quantity,
           sum(e.cost_local) AS cost_local, sum(e.cost_base) AS cost_base,
           coalesce(sum(e.realised_local), 0) AS realised_local,
           coalesce(sum(e.realised_base), 0) AS realised_base,
           max(e.business_date) AS changed_on, max(e.epoch) AS epoch
    FROM (
        SELECT security_id, currency, quantity, cost_local, cost_base, realised_local,
               realised_base, business_date, epoch
        FROM entries
        WHERE portfolio_id = %(portfolio_id)s AND business_date <= %(as_of)s::date
          AND superseded_at = 'infinity' AND recorded_at <= %(known_at)s::timestamptz
        UNION ALL
        SELECT security_id, currency, quantity, cost_local, cost_base, realised_local,
               realised_base, business_date, epoch
        FROM entries
        WHERE portfolio_id = %(portfolio_id)s AND business_date <= %(as_of)s::date
          AND superseded_at < 'infinity' AND superseded_at > %(known_at)s::timestamptz
          AND recorded_at <= %(known_at)s::timestamptz
    ) AS e
    GROUP BY e.security_id
    HAVING %(include_closed)s OR sum(e.quantity) <> 0
) AS k
LEFT JOIN position_state AS s
    ON s.portfolio_id = %(portfolio_id)s AND s.security_id = k.security_id
   AND %(known_at)s::timestamptz = 'infinity'
LEFT JOIN book_work AS w
    ON w.portfolio_id = %(portfolio_id)s AND w.security_id = k.security_id
ORDER BY k.security_id COLLATE "C"

-- name: results
SELECT coalesce(sum(realised_base), 0),
       coalesce(sum(flow_base) FILTER (WHERE classification = 'INCOME'), 0),
       coalesce(-sum(flow_base) FILTER (WHERE classification = 'EXPENSE'), 0)
FROM entries
WHERE portfolio_id = %(portfolio_id)s AND business_date <= %(as_of)s::date
  AND recorded_at <= %(known_at)s::timestamptz
  AND (superseded_at = 'infinity' OR superseded_at > %(known_at)s::timestamptz)

-- name: history
SELECT h.business_date, h.transaction_id, h.quantity, h.cost_local, h.cost_base, h.epoch,
       h.type, h.leg, h.currency
FROM (
    SELECT e.business_date, e.at, e.rank, e.transaction_id, e.leg, e.epoch, e.type, e.currency,
           sum(e.quantity) OVER running AS quantity,
           sum(e.cost_local) OVER running AS cost_local,
           sum(e.cost_base) OVER running AS cost_base
    FROM (
        SELECT business_date, at, rank, transaction_id, leg, epoch, type, currency, quantity,
               cost_local, cost_base
        FROM entries
        WHERE portfolio_id = %(portfolio_id)s AND security_id = %(security_id)s
          AND business_date <= %(end)s::date
          AND superseded_at = 'infinity' AND recorded_at <= %(known_at)s::timestamptz
        UNION ALL
        SELECT business_date, at, rank, transaction_id, leg, epoch, type, currency, quantity,
               cost_local, cost_base
        FROM entries
        WHERE portfolio_id = %(portfolio_id)s AND security_id = %(security_id)s
          AND business_date <= %(end)s::date
          AND superseded_at < 'infinity' AND superseded_at > %(known_at)s::timestamptz
          AND recorded_at <= %(known_at)s::timestamptz
    ) AS e
    WINDOW running AS (
        ORDER BY e.business_date, e.at, e.rank, e.transaction_id COLLATE "C", e.leg COLLATE "C"
        ROWS UNBOUNDED PRECEDING
    )
) AS h
WHERE h.business_date >= %(start)s::date
ORDER BY h.business_date, h.at, h.rank, h.transaction_id COLLATE "C", h.leg COLLATE "C"

-- name: lots_now
SELECT s.security_id, s.currency, s.lots
FROM position_state AS s
WHERE s.portfolio_id = %(portfolio_id)s AND s.quantity <> 0
  AND (%(security_id)s::text IS NULL OR s.security_id = %(security_id)s)
ORDER BY s.security_id COLLATE "C"

-- name: keys_held
SELECT e.security_id, min(e.currency), NULL::json
FROM (
    SELECT security_id, currency, quantity
    FROM entries
    WHERE portfolio_id = %(portfolio_id)s AND business_date <= %(as_of)s::date
      AND (%(security_id)s::text IS NULL OR security_id = %(security_id)s)
      AND superseded_at = 'infinity' AND recorded_at <= %(known_at)s::timestamptz
    UNION ALL
    SELECT security_id, currency, quantity
    FROM entries
    WHERE portfolio_id = %(portfolio_id)s AND business_date <= %(as_of)s::date
      AND (%(security_id)s::text IS NULL OR security_id = %(security_id)s)
      AND superseded_at < 'infinity' AND superseded_at > %(known_at)s::timestamptz
      AND recorded_at <= %(known_at)s::timestamptz
) AS e
GROUP BY e.security_id
HAVING sum(e.quantity) <> 0
ORDER BY e.security_id COLLATE "C"

-- name: key_entries
SELECT e.portfolio_id, e.security_id, e.leg, e.transaction_id, e.type, e.business_date, e.at,
       e.rank, e.currency, e.fx_rate, e.quantity, e.cost_local, e.cost_base,
       e.realised_local, e.realised_base, e.realised_price, e.realised_currency, e.matches,
       e.opens
FROM (
    SELECT portfolio_id, security_id, leg, transaction_id, type, business_date, at, rank,
           currency, fx_rate, quantity, cost_local, cost_base, realised_local, realised_base,
           realised_price, realised_currency, matches, opens
    FROM entries
    WHERE portfolio_id = %(portfolio_id)s AND security_id = ANY(%(security_ids)s)
      AND business_date <= %(as_of)s::date
      AND superseded_at = 'infinity' AND recorded_at <= %(known_at)s::timestamptz
    UNION ALL
    SELECT portfolio_id, security_id, leg, transaction_id, type, business_date, at, rank,
           currency, fx_rate, quantity, cost_local, cost_base, realised_local, realised_base,
           realised_price, realised_currency, matches, opens
    FROM entries
    WHERE portfolio_id = %(portfolio_id)s AND security_id = ANY(%(security_ids)s)
      AND business_date <= %(as_of)s::date
      AND superseded_at < 'infinity' AND superseded_at > %(known_at)s::timestamptz
      AND recorded_at <= %(known_at)s::timestamptz
) AS e
ORDER BY e.security_id COLLATE "C", e.business_date, e.at, e.rank,
         e.transaction_id COLLATE "C", e.leg COLLATE "C"
