-- One row per node. Written only by the node it describes.
CREATE TABLE IF NOT EXISTS node_configs (
  node_id TEXT NOT NULL PRIMARY KEY,
  corrosion_actor_id TEXT,                                          -- changes when the agent's database is wiped
  bootstrap_hosts TEXT NOT NULL DEFAULT '[]',                       -- JSON array of host:port
  region TEXT NOT NULL DEFAULT 'unknown',
  ack_endpoint TEXT NOT NULL DEFAULT '',
  public_key TEXT NOT NULL DEFAULT '',                              -- Ed25519, raw, base64url
  state TEXT NOT NULL DEFAULT 'active',                             -- joining, active, draining, left
  state_at TEXT NOT NULL DEFAULT '',
  updated_at TEXT NOT NULL DEFAULT '',
  updated_by TEXT NOT NULL DEFAULT ''
);
