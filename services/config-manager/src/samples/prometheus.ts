/**
 * What says whether an agent keeps up, by the names that the agents give it; none of them has all.
 * Sums and counts of histograms: the mean between two samples comes of their differences.
 */
const wanted = new Set([
  'corro_db_gaps_sum',
  'corro_db_buffered_changes_rows_total',
  'corro_db_buffered_changes_v2_total',
  'corro_db_size',
  'corro_db_wal_size',
  'corro_db_freelist_count',
  'corro_agent_changes_in_queue',
  'corro_agent_changesets_in_queue',
  'corro_agent_changes_dropped',
  'corro_agent_changes_recv',
  'corro_agent_changes_commit_lag_seconds_sum',
  'corro_agent_changes_commit_lag_seconds_count',
  'corro_agent_changes_recv_lag_seconds_sum',
  'corro_agent_changes_recv_lag_seconds_count',
  'corro_agent_changes_queued_seconds_sum',
  'corro_agent_changes_queued_seconds_count',
  'corro_broadcast_pending_count',
  'corro_broadcast_recv_count',
  'corro_broadcast_dropped',
  'corro_broadcast_rate_limited',
  'corro_broadcast_duplicate_count',
  'corro_changes_committed',
  'corro_gossip_members',
  'corro_gossip_cluster_size',
  'corro_gossip_member_added',
  'corro_gossip_member_removed',
  'corro_sync_changes_recv',
  'corro_sync_changes_sent',
  'corro_sync_client_req_sent',
  'corro_sync_client_needed_v2',
  'corro_sync_client_handshake_errors',
  'corro_subs_changes_matched_count',
  'corro_subs_changes_processing_duration_seconds_sum',
  'corro_subs_changes_processing_duration_seconds_count',
  'corro_updates_changes_matched_count',
  'corro_api_active_streams',
  'corro_sqlite_pool_queue_seconds_sum',
  'corro_sqlite_pool_queue_seconds_count',
  'corro_sqlite_write_permits_available',
  'corro_transport_connections',
  'corro_transport_path_lost_packets',
])

export async function readPrometheus(addr: string, signal: AbortSignal): Promise<string> {
  const response = await fetch(`http://${addr}/metrics`, { signal, redirect: 'error' })
  if (!response.ok) throw new Error(`metrics were answered with ${response.status}`)
  return await response.text()
}

/** Of the agent; undefined where it does not say. */
export function findVersion(text: string): string | undefined {
  return /^corro_build_info\{(?:[^}]*,)?version="([^"\\]{1,64})"/m.exec(text)?.[1]
}

/** Over the labels. What is no number, as the quantile of nothing, is left out. */
export function sumWanted(text: string): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const line of text.split('\n')) {
    const name = /^[a-zA-Z_:][\w:]*/.exec(line)?.[0]
    if (name === undefined || !wanted.has(name)) continue
    // A value of a label may hold anything, also a brace; after the last one comes the number.
    const afterLabels = line.slice(Math.max(name.length, line.lastIndexOf('}') + 1))
    const value = Number(afterLabels.trim().split(/\s+/)[0])
    if (Number.isFinite(value)) sums[name] = (sums[name] ?? 0) + value
  }
  return sums
}
