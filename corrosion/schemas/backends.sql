-- One row per backend of an app that edge proxies route to. Written by one writer: the node that owns it, or an operator.
CREATE TABLE IF NOT EXISTS backends (
  id TEXT NOT NULL PRIMARY KEY,
  app TEXT NOT NULL DEFAULT '',
  region TEXT NOT NULL DEFAULT '',
  country TEXT NOT NULL DEFAULT '',                                 -- ISO 3166-1, two letters; empty: unknown
  wg_ip TEXT NOT NULL DEFAULT '',                                   -- address or host name that is dialled
  port INTEGER NOT NULL DEFAULT 0,
  healthy INTEGER NOT NULL DEFAULT 1,                               -- 0 or 1, as its writer says
  weight INTEGER NOT NULL DEFAULT 2,                                -- 0 to 255; 0 takes no connections
  soft_limit INTEGER NOT NULL DEFAULT 100,                          -- connections of one proxy; 0 counts as 1
  hard_limit INTEGER NOT NULL DEFAULT 150,                          -- of one proxy; 0: unlimited
  deleted INTEGER NOT NULL DEFAULT 0,
  draining INTEGER NOT NULL DEFAULT 0,                              -- 1: keeps what it has, takes nothing new
  owner TEXT NOT NULL DEFAULT '',                                   -- node_id where it was registered; empty: an operator's own
  registered_at TEXT NOT NULL DEFAULT '',                           -- ISO 8601, UTC, microseconds, by the owner's clock
  updated_at TEXT NOT NULL DEFAULT '',
  lease_until TEXT NOT NULL DEFAULT ''                              -- empty: no lease, it stays
);
