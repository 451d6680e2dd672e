-- Runs that have ended, for as long as what arrives later may amend them: the latest so many, in the order in which
-- they ended. A restart knows them by this; what each was while it was open stands beside, and is read of those alone
-- of which something arrives.

CREATE TABLE ended (
  seq      INTEGER PRIMARY KEY NOT NULL,
  run      BLOB NOT NULL UNIQUE,
  at       INTEGER NOT NULL,
  sent     INTEGER,
  heeded   INTEGER NOT NULL,
  token    TEXT NOT NULL,
  probe    TEXT NOT NULL,
  revision TEXT NOT NULL,
  keys     TEXT NOT NULL
);

CREATE TABLE ended_text (
  seq    INTEGER PRIMARY KEY NOT NULL,
  intent TEXT NOT NULL,
  sent   INTEGER,
  answer TEXT
);
