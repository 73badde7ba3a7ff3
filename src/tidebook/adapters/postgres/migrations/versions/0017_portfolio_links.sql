-- Who is of one household with a portfolio, in one step: those of the same client, and those that are
-- stated to be of the same household. All of a household are found over as many steps as it takes.
CREATE VIEW household_links AS
SELECT p.portfolio_id, q.portfolio_id AS linked_id
FROM portfolios AS p JOIN portfolios AS q USING (cif_id)
WHERE p.cif_id <> ''
UNION ALL
SELECT c.portfolio_id, d.portfolio_id
FROM compliance_policies AS c JOIN compliance_policies AS d USING (household_id)
WHERE c.superseded_at = 'infinity' AND d.superseded_at = 'infinity' AND d.household_id <> '';

-- What has to be folded together with a portfolio, in one step: where its lots went or came from, and
-- those that keep one pool with it. What waits has not arrived anywhere yet; where it is to go must be
-- at hand all the same.
CREATE VIEW folding_links AS
SELECT portfolio_id, arrival_portfolio_id AS linked_id FROM transactions
WHERE arrival_portfolio_id IS NOT NULL AND superseded_at = 'infinity' AND type <> 'CANCELLED'
UNION ALL
SELECT portfolio_id, to_portfolio_id FROM transactions
WHERE to_portfolio_id <> '' AND superseded_at = 'infinity' AND type <> 'CANCELLED'
UNION ALL
SELECT arrival_portfolio_id, portfolio_id FROM transactions
WHERE arrival_portfolio_id IS NOT NULL AND superseded_at = 'infinity' AND type <> 'CANCELLED'
UNION ALL
SELECT p.portfolio_id, q.portfolio_id
FROM portfolios AS p JOIN portfolios AS q ON q.pools_with = p.pools_with;
