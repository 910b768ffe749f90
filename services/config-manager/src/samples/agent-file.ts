import { readFile } from 'node:fs/promises'
import { createParser } from '@corroport/contracts'
import { parse } from 'smol-toml'
import { Type } from 'typebox'

const Address = Type.Object({
  addr: Type.Optional(Type.String()),
  bind_addr: Type.Optional(Type.String()),
})
const parseFile = createParser(
  "the agent's file",
  Type.Object({
    db: Type.Object({ path: Type.String() }),
    telemetry: Type.Optional(Type.Object({ prometheus: Type.Optional(Address) })),
  }),
)

export interface AgentFile {
  databasePath: string
  /** `ip:port`; undefined where the agent tells nothing. */
  prometheusAddr: string | undefined
}

/** What a sample needs of the file that the agent runs from. */
export async function readAgentFile(path: string): Promise<AgentFile> {
  const { db, telemetry } = parseFile(parse(await readFile(path, 'utf8')))
  const { addr, bind_addr } = telemetry?.prometheus ?? {}
  return { databasePath: db.path, prometheusAddr: addr ?? bind_addr }
}
