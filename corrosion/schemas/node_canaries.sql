-- One row per node, touched every few seconds by the node it names: who sees it change is reached by that node's gossip.
CREATE TABLE IF NOT EXISTS node_canaries (
  node_id TEXT NOT NULL PRIMARY KEY,
  sequence INTEGER NOT NULL DEFAULT 0,                              -- goes up by one with each touch
  at TEXT NOT NULL DEFAULT ''                                       -- ISO 8601, UTC, microseconds, by its node's clock
);
