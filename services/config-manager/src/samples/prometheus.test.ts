import { expect, test } from '@jest/globals'
import { findVersion, sumWanted } from './prometheus.ts'

test('figures are summed over their labels, and everything else is left out', () => {
  const text = `# TYPE corro_changes_committed counter
corro_changes_committed{table="a b",source="local"} 3
corro_changes_committed{table="odd} 9",source="remote"} 4 1700000000000

corro_db_size 40960
corro_gossip_members 2.0
corro_agent_changes_in_queue NaN
corro_db_gaps_sum{peer_state="all"} +Inf
corro_tokio_workers_count 3
corro_db_size_of_something_else 1`

  expect(sumWanted(text)).toEqual({
    corro_changes_committed: 7,
    corro_db_size: 40960,
    corro_gossip_members: 2,
  })
})

test('what is no exposition has no figures', () => {
  expect(sumWanted('<html>corro_db_size 1</html>')).toEqual({})
  expect(sumWanted('')).toEqual({})
})

test.each([
  ['corro_build_info{version="0.1.4",ts="2026",rustc_version="1.95.0"} 1', '0.1.4'],
  [
    'corro_db_size 1\ncorro_build_info{rustc_version="1.95.0",version="0.2.0-beta.0"} 1',
    '0.2.0-beta.0',
  ],
  ['corro_build_info{rustc_version="1.95.0"} 1', undefined],
  ['# corro_build_info{version="0.1.4"} 1', undefined],
  ['', undefined],
])('the version in %j is %p', (text, version) => {
  expect(findVersion(text)).toBe(version)
})
