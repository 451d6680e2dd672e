-- Hours in a few hundred bytes each, kept when the runs are gone; and which of them have to be made again.

CREATE TABLE rollups (
  hour   INTEGER NOT NULL,
  probe  TEXT NOT NULL,
  route  TEXT NOT NULL,
  input  TEXT NOT NULL,
  rollup TEXT NOT NULL,
  PRIMARY KEY (hour, probe, route, input)
) WITHOUT ROWID;

-- An hour of a probe whose runs have changed since it was rolled up. `changes` tells one who has read the runs whether
-- there were more since.
CREATE TABLE rollups_due (
  hour    INTEGER NOT NULL,
  probe   TEXT NOT NULL,
  changes INTEGER NOT NULL,
  PRIMARY KEY (hour, probe)
) WITHOUT ROWID;

-- Observations that no run bears, so that old ones are found.
CREATE INDEX observations_strays ON observations (id) WHERE runs = x'';
