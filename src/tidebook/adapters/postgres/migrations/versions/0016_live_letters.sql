-- Live events that were set apart, by their place with the bus: everybody reads them, and one keeps them.
CREATE TABLE live_letters (
    topic text NOT NULL,
    part integer NOT NULL,
    place bigint NOT NULL,
    set_apart_at timestamptz NOT NULL,
    PRIMARY KEY (topic, part, place)
);
