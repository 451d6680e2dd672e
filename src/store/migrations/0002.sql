-- What the daemon needs beside the runs: its own small state, marks on the time line, rows that tell many skipped
-- ticks at once; and a way to the few runs that did not end well among many that did.

CREATE TABLE kept (
  space TEXT NOT NULL,
  key   TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (space, key)
) WITHOUT ROWID;

CREATE TABLE marks (
  id   BLOB PRIMARY KEY NOT NULL,
  at   INTEGER NOT NULL,
  mark TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX marks_by_time ON marks (at);

-- One row a probe, input, route and reason from its first tick on; a row that is written again has grown.
CREATE TABLE skip_spans (
  first  INTEGER NOT NULL,
  probe  TEXT NOT NULL,
  input  TEXT NOT NULL,
  route  TEXT NOT NULL,
  reason TEXT NOT NULL,
  last   INTEGER NOT NULL,
  span   TEXT NOT NULL,
  PRIMARY KEY (first, probe, input, route, reason)
) WITHOUT ROWID;
CREATE INDEX skip_spans_by_last ON skip_spans (last);

CREATE INDEX records_not_delivered ON records (tick, run) WHERE class <> 'delivered';
