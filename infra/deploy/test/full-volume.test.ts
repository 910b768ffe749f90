import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { createTemporaryFolder } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import { unshareMounts } from '../../setup/own-network.mjs'

const main = join(import.meta.dirname, '../src/main.ts')

// The volume has room for the first page of the file, and for no more.
const script = `
mount -t tmpfs -o size=1m tmpfs "$1"
cd "$1"
deploy() { "$2" "$3" "$4" --dir . --nodes 1 >/dev/null; }
deploy "$@" init
dd if=/dev/zero of=filler bs=4k status=none 2>/dev/null
truncate -s -4096 filler
deploy "$@" nats-config
echo "ended with $?"
ls -A nats | grep nats.conf
rm filler
deploy "$@" nats-config
ls -A nats | grep nats.conf`

test('a file that finds no room is not written in part, and takes none', () => {
  using folder = createTemporaryFolder()
  const [program, ...args] = unshareMounts
  const run = ['sh', '-c', script, 'sh', folder.path, process.execPath, main]

  const { stdout, stderr } = spawnSync(program, [...args, ...run], { encoding: 'utf8' })

  expect(stderr).toMatch(/^deploy: ENOSPC.*\n$/)
  expect(stdout).toBe('ended with 1\nnats.conf\n')
}, 120_000)
