import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type CommandDefinition,
  createParser,
  type EventDefinition,
  type StreamDefinition,
} from '@corroport/contracts'
import { Type } from 'typebox'
import type { Voice } from './services.ts'

/** An event or a command, with everything that is told about it. */
export interface Entry {
  /** `ack-received`: names its example and its place in documents. */
  slug: string
  definition: EventDefinition | CommandDefinition
  stream: string | undefined
  /** Of a command: who asks. */
  saidBy: string[]
  /** Of a command: who answers. */
  heardBy: string[]
  /** Of a command: request and reply. */
  example: Record<string, unknown>
}

const parseExample = createParser('example', Type.Record(Type.String(), Type.Unknown()))

export interface Sources {
  definitions: readonly (EventDefinition | CommandDefinition)[]
  streams: readonly StreamDefinition[]
  voices: readonly Voice[]
  fixtureFolder: string
}

export function createCatalogue({ definitions, streams, voices, fixtureFolder }: Sources): Entry[] {
  return definitions
    .toSorted((a, b) => (a.template < b.template ? -1 : 1))
    .map((definition) => {
      const { template } = definition
      const named = (lists: readonly ('says' | 'hears' | 'asks' | 'answers')[]): string[] => {
        const names = voices
          .filter((voice) =>
            lists.some((list) => voice[list]?.some((other) => other.template === template)),
          )
          .map(({ name }) => name)
        return [...new Set(names)]
      }
      const slug = slugOf(template)
      const path = join(fixtureFolder, `${slug}.json`)
      return {
        slug,
        definition,
        stream: streams.find(({ subjects }) => subjects.some((filter) => holds(filter, template)))
          ?.name,
        saidBy: named(['says', 'asks']),
        heardBy: named(['hears', 'answers']),
        example: parseExample(JSON.parse(readFileSync(path, 'utf8'))),
      }
    })
}

/** `corro.ack.received.{nodeId}`: `ack-received`. */
export function slugOf(template: string): string {
  const tokens = template.split('.').slice(1)
  return tokens.filter((token) => !token.startsWith('{')).join('-')
}

/** Streams here are only bound to whole nouns: `corro.ack.>`. */
function holds(filter: string, template: string): boolean {
  return template.startsWith(filter.replace(/>$/, ''))
}
