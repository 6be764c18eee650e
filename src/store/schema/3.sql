-- The log: every entry once, numbered from 0 without a gap, never changed and never taken away.
CREATE TABLE log (
    n     INTEGER PRIMARY KEY,
    hash  BLOB NOT NULL UNIQUE,
    entry BLOB NOT NULL
) STRICT;
-- Against mistakes only: whoever owns the file can drop these. Signed checkpoints are what shows it.
CREATE TRIGGER log_is_not_edited BEFORE UPDATE ON log BEGIN SELECT raise(ABORT, 'the log is only appended to'); END;
CREATE TRIGGER log_is_not_cut BEFORE DELETE ON log BEGIN SELECT raise(ABORT, 'the log is only appended to'); END;

-- The one checkpoint that the timestamp role signed last.
CREATE TABLE log_signed (
    id   INTEGER PRIMARY KEY CHECK (id = 1),
    size INTEGER NOT NULL,
    root TEXT NOT NULL
) STRICT;

-- What nodes say that they have seen of the log, and since when one of them has seen another one.
ALTER TABLE nodes ADD COLUMN checkpoint TEXT;
ALTER TABLE nodes ADD COLUMN forked INTEGER;

PRAGMA user_version = 3;
