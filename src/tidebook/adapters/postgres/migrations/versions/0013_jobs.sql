-- A job runs once for each instant at which it is due, however many processes could run it.
CREATE TABLE job_runs (
    job text NOT NULL,
    scheduled_for timestamptz NOT NULL,
    status text NOT NULL CHECK (status IN ('running', 'done', 'failed')),
    attempts integer NOT NULL,
    started_at timestamptz NOT NULL,
    ended_at timestamptz,
    counts jsonb NOT NULL DEFAULT '{}',
    error text,
    PRIMARY KEY (job, scheduled_for)
);
