-- How often a portfolio was marked. Whoever judged it takes the mark away only if none has come since
-- it was looked at.
ALTER TABLE compliance_work ADD COLUMN marks bigint NOT NULL DEFAULT 0;

-- Households that clients and stated households join over several steps had been judged in parts.
INSERT INTO compliance_work (portfolio_id, unjudged_from, marks)
SELECT portfolio_id, DATE '0001-01-01', 1 FROM compliance_policies
WHERE superseded_at = 'infinity' AND household_id <> ''
ON CONFLICT (portfolio_id) DO UPDATE
SET unjudged_from = excluded.unjudged_from, marks = compliance_work.marks + 1;

-- What the verdict said that was acknowledged, for it may come to say something else.
ALTER TABLE compliance_acknowledgements ADD COLUMN said text NOT NULL DEFAULT '';
