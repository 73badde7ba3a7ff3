-- Two versions of one transaction may come in one batch, and are then of one instant.

ALTER TABLE fact_origins ADD COLUMN version integer;  -- of a transaction; NULL: told by the instant
