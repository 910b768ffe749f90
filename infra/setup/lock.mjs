import {
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { hostname, uptime } from 'node:os'
import { dirname } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

const pollMs = 200
const heartbeatMs = 5000
// For locks of other hosts and containers that share the folder: their process numbers say nothing.
const silentMs = 60_000

/**
 * Does the work while no other process does the same. A lock whose owners are gone is taken over;
 * `addOwner` names a child that goes on when this process is killed, and must be waited for.
 */
export async function withLock(path, work, onWait) {
  mkdirSync(dirname(path), { recursive: true })
  let isWaiting = false
  while (!tryLock(path)) {
    const holder = readLock(path)
    if (holder !== undefined && isAbandoned(holder)) {
      takeAway(path, holder.text)
    } else {
      if (!isWaiting && holder !== undefined) onWait(holder.pids.at(-1))
      isWaiting = true
      await wait(pollMs)
    }
  }

  const owners = [process.pid]
  const heartbeat = setInterval(() => touch(path), heartbeatMs)
  heartbeat.unref()
  const release = () => rmSync(path, { force: true })
  process.once('exit', release)
  try {
    return await work((pid) => {
      owners.push(pid)
      const aside = writeAside(path, owners)
      renameSync(aside, path)
    })
  } finally {
    clearInterval(heartbeat)
    process.off('exit', release)
    release()
  }
}

function tryLock(path) {
  // Linked when complete, so that nobody can read a lock before its owner is in it.
  const aside = writeAside(path, [process.pid])
  try {
    linkSync(aside, path)
    return true
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
    return false
  } finally {
    rmSync(aside)
  }
}

function writeAside(path, pids) {
  const aside = `${path}.${process.pid}`
  writeFileSync(aside, [hostname(), ...pids].join(' '))
  return aside
}

function readLock(path) {
  try {
    const text = readFileSync(path, 'utf8')
    const [host, ...pids] = text.split(' ')
    return { text, host, pids: pids.map(Number), touchedAt: statSync(path).mtimeMs }
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
    return undefined // released meanwhile
  }
}

function isAbandoned({ host, pids, touchedAt }) {
  if (host !== hostname()) return Date.now() - touchedAt > silentMs
  const bootedAt = Date.now() - uptime() * 1000
  return touchedAt < bootedAt || !pids.some(isAlive)
}

function isAlive(pid) {
  if (pid === process.pid) return false // a former process had this number
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

/** Of several processes that see the same abandoned lock one moves it; a newer one is put back. */
function takeAway(path, expected) {
  const aside = `${path}.${process.pid}.old`
  try {
    renameSync(path, aside)
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
    return // another process was faster
  }
  if (readFileSync(aside, 'utf8') === expected) rmSync(aside)
  else renameSync(aside, path)
}

function touch(path) {
  const now = new Date()
  try {
    utimesSync(path, now, now)
  } catch (error) {
    if (error.code !== 'ENOENT') throw error // another host took it while this one was suspended
  }
}
