import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { askAdmin } from '../admin-frames.ts'
import type { AgentProcess } from '../agent-process.ts'
import type { Group, World } from '../conformance-case.ts'
import { createHistory, type Episode, firstRows } from '../history.ts'
import { actorOf, converge, withoutTimes, writeApart } from '../replicas.ts'

/** How nodes are kept from each other while they write apart. */
export type Parting = 'restart' | 'cut'

/** What nodes end in, by seed. */
export type Endings = Map<number, readonly string[]>

/** Of real agents. */
export function readEndings(): Endings {
  const path = join(import.meta.dirname, '../../expectations/histories.json')
  const recorded: { seed: number; ending: string[] }[] = JSON.parse(readFileSync(path, 'utf8'))
  return new Map(recorded.map(({ seed, ending }) => [seed, ending]))
}

/**
 * The same history ends in the same rows and clock rows on every agent, because nothing in it hangs
 * on the order of delivery: who writes apart has seen nothing, and who writes after it has seen all.
 * Left out of the comparison is what does hang on it, the origin of a living sentinel (replicas.ts).
 */
export function historyGroup(seed: number, parting: Parting, endings: Endings): Group {
  const name = `history ${seed}${parting === 'cut' ? ', links cut' : ''}`
  return {
    name: parting === 'cut' ? 'history-cut' : 'history',
    nodeCount: 3,
    ...(parting === 'cut' && { agents: ['development'] as const }),
    cases: [
      {
        name: `${name}: rows and clock rows end as on a real agent`,
        get expected() {
          return endings.get(seed) ?? []
        },
        async run({ nodes }) {
          const actors = await Promise.all(nodes.map(actorOf))
          await prepare(nodes)
          for (const episode of createHistory(seed)) await play(nodes, episode, parting)
          const ending = withoutTimes(await converge(nodes)).map((line) =>
            actors.reduce((text, actor, index) => text.replaceAll(actor, `<${index + 1}>`), line),
          )
          // Without a recorded one, the first agent of a run is what the next are compared with.
          if (!endings.has(seed)) endings.set(seed, ending)
          return ending
        },
      },
    ],
  }
}

/** The rows that die are there from the start. */
async function prepare(nodes: World['nodes']): Promise<void> {
  for (const statement of firstRows) await nodes[0]?.transact(statement)
  await converge(nodes)
}

async function play(nodes: World['nodes'], episode: Episode, parting: Parting): Promise<void> {
  const write = async (node: AgentProcess, index: number) => {
    for (const statements of episode.transactions[index] ?? []) await node.transact(...statements)
  }
  const writeAll = () => Promise.all(nodes.map(write))
  const halted = episode.kind === 'halted' ? nodes[episode.haltedNode] : undefined

  if (episode.kind === 'apart' && parting === 'cut') {
    await setCut(nodes, true)
    await writeAll()
    await setCut(nodes, false)
  } else if (episode.kind === 'apart') {
    await writeApart(nodes, write)
  } else {
    halted?.pause()
    await writeAll()
    await converge(nodes.filter((node) => node !== halted))
    halted?.resume()
  }
  await converge(nodes)
}

async function setCut(nodes: World['nodes'], cut: boolean): Promise<void> {
  const answers = await Promise.all(
    nodes.map((node) => askAdmin(node.adminPath, { Lab: { Set: { peer: null, cut } } })),
  )
  for (const frames of answers) {
    if (frames.at(-1) !== '"Success"') throw new Error(`links are not cut: ${frames.join(' ')}`)
  }
}
