-- The list of withdrawals that the last timestamp of an environment named.
ALTER TABLE timestamps ADD COLUMN withdrawn TEXT;
PRAGMA user_version = 2;
