-- One row per message. Written only by the node it comes from; deleted by it when MESSAGE_RETENTION_HOURS have passed.
CREATE TABLE IF NOT EXISTS node_messages (
  pk TEXT NOT NULL PRIMARY KEY DEFAULT '',                          -- <node_id>_<ULID>
  node_id TEXT NOT NULL DEFAULT 'no_id',
  message TEXT NOT NULL DEFAULT '',
  sequence INTEGER NOT NULL DEFAULT 0,                              -- Unix milliseconds at which it was sent
  timestamp TEXT NOT NULL DEFAULT '',                               -- ISO 8601, UTC, microseconds
  originating_endpoint TEXT NOT NULL DEFAULT '',                    -- host:port; informative: nobody posts to it
  region TEXT NOT NULL DEFAULT 'unknown',
  traceparent TEXT NOT NULL DEFAULT ''                              -- W3C trace context, so that a trace crosses Corrosion
);

CREATE INDEX IF NOT EXISTS idx_node_messages_sequence_desc ON node_messages (sequence DESC);
