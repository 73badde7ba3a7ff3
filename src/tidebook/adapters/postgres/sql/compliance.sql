-- name: jobs
-- Households with anything to judge: who is to be judged from when, and who is looked at besides.
-- A portfolio whose series is behind is left until it has been valued. A household is all that
-- clients and stated households join, over as many steps as it takes; one portfolio of each client
-- finds it for all that are behind. OFFSET 0 has the links of each looked up; else the planner may
-- join all portfolios with each other at every step.
WITH RECURSIVE behind AS (
    SELECT p.portfolio_id,
           min(p.portfolio_id) OVER (PARTITION BY coalesce(nullif(p.cif_id, ''), p.portfolio_id),
                                                  p.cif_id = '') AS head
    FROM (
        SELECT p.portfolio_id, p.cif_id
        FROM compliance_work w
        JOIN portfolios p USING (portfolio_id)
        WHERE (w.unjudged_from IS NOT NULL OR w.due_on <= %(today)s)
          -- Looked up for each: after a price of a thing that all hold, there are marks on all.
          AND p.series_from IS NULL
          AND (SELECT m.moves FROM market_marks m WHERE m.portfolio_id = p.portfolio_id) IS NULL
          AND p.portfolio_id <> ALL(%(spared)s)
        ORDER BY p.portfolio_id
        LIMIT %(limit)s
    ) AS p
), members AS (
    SELECT DISTINCT head, head AS portfolio_id FROM behind
    UNION
    SELECT m.head, l.linked_id FROM members m CROSS JOIN LATERAL (
        SELECT linked_id FROM household_links WHERE portfolio_id = m.portfolio_id OFFSET 0
    ) l
)
SELECT b.portfolio_id, p.portfolio_id, p.generation, p.valuation_version, w.unjudged_from, w.due_on,
       coalesce(w.marks, 0)
FROM behind b
JOIN members m USING (head)
JOIN portfolio_standings p ON p.portfolio_id = m.portfolio_id
LEFT JOIN compliance_work w ON w.portfolio_id = m.portfolio_id
ORDER BY b.portfolio_id, p.portfolio_id

-- name: policies
SELECT portfolio_id, policy FROM compliance_policies
WHERE portfolio_id = ANY(%(ids)s) AND recorded_at <= %(known_at)s::timestamptz
  AND (superseded_at = 'infinity' OR superseded_at > %(known_at)s::timestamptz)

-- name: household
-- All that clients and stated households join to some portfolios, over as many steps as it takes.
WITH RECURSIVE members AS (
    SELECT portfolio_id FROM portfolios WHERE portfolio_id = ANY(%(ids)s)
    UNION
    SELECT l.linked_id FROM members m CROSS JOIN LATERAL (
        SELECT linked_id FROM household_links WHERE portfolio_id = m.portfolio_id OFFSET 0
    ) l
)
SELECT portfolio_id FROM members ORDER BY portfolio_id

-- name: standing
-- The household of some portfolios, and whoever is folded with it: where each of them stands.
WITH RECURSIVE members AS (
    SELECT portfolio_id FROM portfolios WHERE portfolio_id = ANY(%(ids)s)
    UNION
    SELECT l.linked_id FROM members m CROSS JOIN LATERAL (
        SELECT linked_id FROM household_links WHERE portfolio_id = m.portfolio_id OFFSET 0
    ) l
), related AS (
    SELECT portfolio_id FROM members
    UNION
    SELECT l.linked_id FROM related r CROSS JOIN LATERAL (
        SELECT linked_id FROM folding_links WHERE portfolio_id = r.portfolio_id OFFSET 0
    ) l
)
SELECT r.portfolio_id, m.portfolio_id IS NOT NULL, p.version, p.generation, c.version
FROM related r
LEFT JOIN members m USING (portfolio_id)
LEFT JOIN portfolios p USING (portfolio_id)
LEFT JOIN compliance_policies c
    ON c.portfolio_id = r.portfolio_id AND c.superseded_at = 'infinity'
ORDER BY r.portfolio_id

-- name: stored
-- Each portfolio has the day from which its verdicts are looked at.
SELECT v.portfolio_id, v.transaction_id, v.trade_date, v.content_hash
FROM unnest(%(ids)s::text[], %(since)s::date[]) AS w (portfolio_id, since)
JOIN compliance_verdicts v ON v.portfolio_id = w.portfolio_id AND v.trade_date >= w.since
WHERE v.superseded_at = 'infinity'

-- name: claim
-- Portfolios are locked in the order of their ids by everyone. One that was marked once more since it
-- was looked at is left.
WITH claimed AS (
    SELECT p.portfolio_id, j.due, j.marks
    FROM portfolios p
    JOIN unnest(%(ids)s::text[], %(generations)s::bigint[], %(valuation_versions)s::bigint[],
                %(dues)s::date[], %(marks)s::bigint[])
         AS j (portfolio_id, generation, valuation_version, due, marks)
      USING (portfolio_id, generation)
    LEFT JOIN market_marks m USING (portfolio_id)
    WHERE p.valuation_version + coalesce(m.moves, 0) = j.valuation_version
    ORDER BY p.portfolio_id
    FOR SHARE OF p
)
INSERT INTO compliance_work AS w (portfolio_id, unjudged_from, due_on, marks)
SELECT portfolio_id, NULL, due, marks FROM claimed
ON CONFLICT (portfolio_id) DO UPDATE SET unjudged_from = NULL, due_on = excluded.due_on
WHERE w.marks = excluded.marks
RETURNING portfolio_id

-- name: close
UPDATE compliance_verdicts v SET superseded_at = %(at)s
FROM unnest(%(ids)s::text[], %(days)s::date[], %(transactions)s::text[])
     AS c (portfolio_id, trade_date, transaction_id)
WHERE v.portfolio_id = c.portfolio_id AND v.trade_date = c.trade_date
  AND v.transaction_id = c.transaction_id AND v.superseded_at = 'infinity'

-- name: save_policy
WITH closed AS (
    UPDATE compliance_policies SET superseded_at = %(at)s
    WHERE portfolio_id = %(portfolio_id)s AND superseded_at = 'infinity' AND policy <> %(policy)s
    RETURNING version
), same AS (
    SELECT 1 FROM compliance_policies
    WHERE portfolio_id = %(portfolio_id)s AND superseded_at = 'infinity' AND policy = %(policy)s
)
INSERT INTO compliance_policies (portfolio_id, version, household_id, policy, recorded_at)
SELECT %(portfolio_id)s, coalesce((SELECT version FROM closed), 0) + 1, %(household_id)s,
       %(policy)s, %(at)s
WHERE NOT EXISTS (SELECT FROM same)
RETURNING version

-- name: lock_portfolio
SELECT 1 FROM portfolios WHERE portfolio_id = %(portfolio_id)s FOR UPDATE

-- name: judge_left
-- Those that a portfolio leaves behind when its household becomes another one.
INSERT INTO compliance_work AS w (portfolio_id, unjudged_from, marks)
SELECT portfolio_id, DATE '0001-01-01', 1 FROM compliance_policies
WHERE household_id = %(left)s AND superseded_at = 'infinity' AND household_id <> ''
  AND portfolio_id <> %(portfolio_id)s
ORDER BY portfolio_id
ON CONFLICT (portfolio_id) DO UPDATE
SET unjudged_from = excluded.unjudged_from, marks = w.marks + 1

-- name: judge_again
INSERT INTO compliance_work AS w (portfolio_id, unjudged_from, marks)
VALUES (%(portfolio_id)s, DATE '0001-01-01', 1)
ON CONFLICT (portfolio_id) DO UPDATE
SET unjudged_from = excluded.unjudged_from, marks = w.marks + 1

-- name: acknowledge
INSERT INTO compliance_acknowledgements
    (portfolio_id, transaction_id, rule_id, rule_version, status, actor, reason, said,
     correlation_id, recorded_at)
VALUES (%(portfolio_id)s, %(transaction_id)s, %(rule_id)s, %(rule_version)s, %(status)s,
        %(actor)s, %(reason)s, %(said)s, %(correlation_id)s, %(at)s)
RETURNING acknowledgement_id

-- name: acknowledgements
SELECT portfolio_id, transaction_id, rule_id, rule_version, status, actor, reason,
       said, acknowledgement_id, recorded_at
FROM compliance_acknowledgements
WHERE portfolio_id = ANY(%(ids)s) AND recorded_at <= %(known_at)s::timestamptz
ORDER BY acknowledgement_id

-- name: totals
SELECT count(*), coalesce(sum(passed), 0), coalesce(sum(flagged), 0), coalesce(sum(failed), 0),
       coalesce(sum(provisional), 0)
FROM compliance_verdicts
WHERE portfolio_id = ANY(%(ids)s) AND recorded_at <= %(known_at)s::timestamptz
  AND (superseded_at = 'infinity' OR superseded_at > %(known_at)s::timestamptz)

-- name: verdicts
SELECT portfolio_id, transaction_id, trade_date, verdicts, recorded_at,
       nullif(superseded_at, 'infinity')
FROM compliance_verdicts
WHERE portfolio_id = ANY(%(ids)s) AND recorded_at <= %(known_at)s::timestamptz
  AND (superseded_at = 'infinity' OR superseded_at > %(known_at)s::timestamptz)
ORDER BY trade_date DESC, executed_at DESC NULLS LAST, transaction_id
OFFSET %(skip)s LIMIT %(limit)s

-- name: history
SELECT portfolio_id, transaction_id, trade_date, verdicts, recorded_at,
       nullif(superseded_at, 'infinity')
FROM compliance_verdicts
WHERE portfolio_id = ANY(%(ids)s) AND transaction_id = %(transaction_id)s
ORDER BY recorded_at

-- name: unjudged
SELECT count(*) FROM portfolio_standings p
LEFT JOIN compliance_work w USING (portfolio_id)
WHERE p.portfolio_id = ANY(%(ids)s) AND (w.unjudged_from IS NOT NULL OR p.series_from IS NOT NULL)
