/** Tables of cr-sqlite and of Corrosion, as the real agent makes them. `dev_agent` is ours. */
export const internalTables = `
CREATE TABLE crsql_tracked_peers ("site_id" BLOB NOT NULL, "version" INTEGER NOT NULL, "seq" INTEGER DEFAULT 0, "tag" INTEGER, "event" INTEGER, PRIMARY KEY ("site_id", "tag", "event")) STRICT;
CREATE TABLE crsql_db_versions ("site_id" BLOB NOT NULL PRIMARY KEY, "db_version" INTEGER NOT NULL) STRICT;
CREATE TABLE crsql_master ("key" TEXT PRIMARY KEY, "value" ANY);
CREATE TABLE crsql_site_id (site_id BLOB NOT NULL, ordinal INTEGER PRIMARY KEY);
CREATE UNIQUE INDEX crsql_site_id_site_id ON crsql_site_id (site_id);
CREATE TABLE __corro_state (key TEXT NOT NULL PRIMARY KEY, value);
CREATE TABLE __corro_seq_bookkeeping (site_id BLOB NOT NULL, db_version INTEGER NOT NULL, start_seq INTEGER NOT NULL, end_seq INTEGER NOT NULL, last_seq INTEGER NOT NULL, ts TEXT NOT NULL, PRIMARY KEY (site_id, db_version, start_seq)) WITHOUT ROWID;
CREATE TABLE __corro_buffered_changes ("table" TEXT NOT NULL, pk BLOB NOT NULL, cid TEXT NOT NULL, val ANY, col_version INTEGER NOT NULL, db_version INTEGER NOT NULL, site_id BLOB NOT NULL, seq INTEGER NOT NULL, cl INTEGER NOT NULL, ts TEXT NOT NULL, PRIMARY KEY (site_id, db_version, seq)) WITHOUT ROWID;
CREATE TABLE __corro_members (actor_id BLOB PRIMARY KEY NOT NULL, address TEXT NOT NULL, foca_state JSON, rtt_min INTEGER, updated_at DATETIME NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE TABLE __corro_schema (tbl_name TEXT NOT NULL, type TEXT NOT NULL, name TEXT NOT NULL, sql TEXT NOT NULL, source TEXT NOT NULL, PRIMARY KEY (tbl_name, type, name)) WITHOUT ROWID;
CREATE TABLE __corro_bookkeeping_gaps (actor_id BLOB NOT NULL, start INTEGER NOT NULL, end INTEGER NOT NULL, PRIMARY KEY (actor_id, start)) WITHOUT ROWID;
CREATE TABLE dev_agent (format INTEGER NOT NULL, holder_pid INTEGER);
INSERT INTO crsql_master VALUES ('crsqlite_version', 170000), ('config.merge-equal-values', 1);
INSERT INTO __corro_state VALUES ('schema_version', 2), ('cluster_id', 0);
`

export const databaseFormat = 1
