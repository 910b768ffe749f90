-- The tables of the recordings. They stay as they are when the product's own tables change.
CREATE TABLE IF NOT EXISTS node_messages (
  pk TEXT NOT NULL PRIMARY KEY DEFAULT '',
  node_id TEXT NOT NULL DEFAULT '',
  message TEXT NOT NULL DEFAULT '',
  sequence INTEGER NOT NULL DEFAULT 0,
  timestamp TEXT NOT NULL DEFAULT '',
  originating_endpoint TEXT NOT NULL DEFAULT '',
  region TEXT NOT NULL DEFAULT 'unknown'
);
CREATE INDEX IF NOT EXISTS node_messages_by_sequence ON node_messages (sequence DESC);

CREATE TABLE IF NOT EXISTS node_configs (
  node_id TEXT NOT NULL PRIMARY KEY,
  region TEXT NOT NULL DEFAULT 'unknown'
);

-- Of the replication groups.
CREATE TABLE IF NOT EXISTS plain (
  id INTEGER NOT NULL PRIMARY KEY,
  a TEXT,
  b TEXT,
  n INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE IF NOT EXISTS composite (
  t TEXT NOT NULL,
  i INTEGER NOT NULL,
  r REAL NOT NULL,
  x BLOB NOT NULL,
  v ANY,
  PRIMARY KEY (t, i, r, x)
);

CREATE TABLE IF NOT EXISTS keys_only (
  a TEXT NOT NULL,
  b INTEGER NOT NULL,
  PRIMARY KEY (b, a)
);
