-- One row per name and key: a new key under an old name is another row, and sees nothing of the old one.
CREATE TABLE nodes (
    id          INTEGER PRIMARY KEY,
    name        TEXT NOT NULL,
    key         TEXT NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('requested', 'accepted', 'denied', 'removed')),
    report_key  TEXT NOT NULL,
    requested   INTEGER NOT NULL,
    decided     INTEGER,
    serial      TEXT,
    expires     INTEGER,
    last_seen   INTEGER,
    seq         INTEGER,
    status      TEXT,
    counter     INTEGER NOT NULL DEFAULT 0,
    last_report TEXT,
    alarms      INTEGER NOT NULL DEFAULT 0,
    facts       TEXT NOT NULL DEFAULT '{}',
    UNIQUE (name, key)
) STRICT;
CREATE UNIQUE INDEX one_accepted_key_per_name ON nodes (name) WHERE state = 'accepted';

CREATE TABLE tokens (
    hash    TEXT PRIMARY KEY,
    scope   TEXT NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    used    INTEGER,
    used_by TEXT
) STRICT;

CREATE TABLE reports (
    id        INTEGER PRIMARY KEY,
    node      INTEGER NOT NULL REFERENCES nodes (id),
    counter   INTEGER NOT NULL,
    digest    TEXT NOT NULL,
    prev      TEXT,
    status    TEXT NOT NULL,
    alarm     TEXT,
    received  INTEGER NOT NULL,
    body      BLOB NOT NULL,
    signature TEXT NOT NULL,
    UNIQUE (node, digest)
) STRICT;
CREATE INDEX reports_of_a_node ON reports (node, id);

CREATE TABLE audit (
    id     INTEGER PRIMARY KEY,
    at     INTEGER NOT NULL,
    actor  TEXT NOT NULL,
    action TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;

CREATE TABLE triggers (
    n          INTEGER PRIMARY KEY AUTOINCREMENT,
    id         TEXT NOT NULL UNIQUE,
    operator   TEXT NOT NULL,
    document   TEXT NOT NULL,
    signatures TEXT NOT NULL,
    received   INTEGER NOT NULL,
    expires    INTEGER NOT NULL
) STRICT;
CREATE INDEX triggers_of_an_operator ON triggers (operator, received);

CREATE TABLE push_events (
    n         INTEGER PRIMARY KEY AUTOINCREMENT,
    trigger_id TEXT NOT NULL REFERENCES triggers (id),
    node      TEXT NOT NULL,
    state     TEXT NOT NULL,
    message   TEXT NOT NULL,
    at        INTEGER NOT NULL
) STRICT;
CREATE INDEX events_of_a_push ON push_events (trigger_id, n);

CREATE TABLE timestamps (
    environment TEXT PRIMARY KEY,
    n           INTEGER NOT NULL,
    seq         INTEGER NOT NULL,
    release     TEXT NOT NULL,
    created     INTEGER NOT NULL,
    expires     INTEGER NOT NULL
) STRICT;

PRAGMA user_version = 1;
