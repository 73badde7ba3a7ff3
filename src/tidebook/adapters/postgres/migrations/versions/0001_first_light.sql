CREATE TABLE IF NOT EXISTS tidebook_meta (
    key   text PRIMARY KEY,
    value text NOT NULL
);
