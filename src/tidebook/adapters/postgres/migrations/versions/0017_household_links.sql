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
