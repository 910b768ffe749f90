import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

/**
 * Sends SIGSTOP and waits until nothing of the process runs: the signal reaches its threads one by one,
 * and before that one of them may still answer.
 */
export async function stopProcess(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP')
  const folder = `/proc/${pid}/task`
  if (!existsSync(folder)) return
  const isStopped = async (thread: string) =>
    /\) [Tt] /.test(await readFile(join(folder, thread, 'stat'), 'utf8'))
  while (!(await Promise.all((await readdir(folder)).map(isStopped))).every(Boolean)) {
    await wait(1)
  }
}
