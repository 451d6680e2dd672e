-- The first schema. Every key on the way in rises with time (ticks, UUIDv7 run ids, observation ids), so that a
-- commit appends to its trees instead of touching pages all over them.

CREATE TABLE meta (
  key   TEXT PRIMARY KEY NOT NULL,
  value BLOB NOT NULL
) WITHOUT ROWID;

-- The fence: one row a probe, input, route, location and tick, for ever.
CREATE TABLE claims (
  tick     INTEGER NOT NULL,
  probe    TEXT NOT NULL,
  input    TEXT NOT NULL,
  route    TEXT NOT NULL,
  location TEXT NOT NULL,
  run      BLOB NOT NULL,
  at       INTEGER NOT NULL,
  PRIMARY KEY (tick, probe, input, route, location)
) WITHOUT ROWID;
CREATE UNIQUE INDEX claims_by_run ON claims (run);
CREATE INDEX claims_by_probe ON claims (probe, at);

-- Runs that were claimed and have not been closed. A row leaves when its record takes its place, so that a restart
-- reads what is open and nothing else, however long the history.
CREATE TABLE intents (
  run    BLOB PRIMARY KEY NOT NULL,
  intent TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE fired (
  run    BLOB PRIMARY KEY NOT NULL,
  sent   INTEGER NOT NULL,
  answer TEXT
) WITHOUT ROWID;

CREATE TABLE observations (
  id         INTEGER PRIMARY KEY NOT NULL,
  channel    TEXT NOT NULL,
  channel_id INTEGER NOT NULL,
  runs       BLOB NOT NULL,
  sighting   TEXT NOT NULL
);

CREATE TABLE run_observation (
  run         BLOB NOT NULL,
  observation INTEGER NOT NULL,
  PRIMARY KEY (run, observation)
) WITHOUT ROWID;

CREATE TABLE records (
  seq      INTEGER PRIMARY KEY NOT NULL,
  run      BLOB NOT NULL UNIQUE,
  tick     INTEGER NOT NULL,
  probe    TEXT NOT NULL,
  route    TEXT NOT NULL,
  input    TEXT NOT NULL,
  class    TEXT NOT NULL,
  revision TEXT NOT NULL,
  record   TEXT NOT NULL
);
CREATE INDEX records_by_tick ON records (tick, run);
CREATE INDEX records_by_probe ON records (probe, tick, run);

-- Records that an amendment replaced: the earlier verdict stays on record.
CREATE TABLE history (
  seq    INTEGER PRIMARY KEY NOT NULL,
  run    BLOB NOT NULL,
  class  TEXT NOT NULL,
  record TEXT NOT NULL
);
CREATE INDEX history_by_run ON history (run, seq);

CREATE TABLE skips (
  tick   INTEGER NOT NULL,
  probe  TEXT NOT NULL,
  input  TEXT NOT NULL,
  route  TEXT NOT NULL,
  reason TEXT NOT NULL,
  record TEXT NOT NULL,
  PRIMARY KEY (tick, probe, input, route)
) WITHOUT ROWID;

CREATE TABLE cursors (
  name   TEXT PRIMARY KEY NOT NULL,
  cursor TEXT NOT NULL
) WITHOUT ROWID;
