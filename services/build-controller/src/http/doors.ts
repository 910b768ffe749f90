import type { FastifyRequest } from 'fastify'
import { Refusal } from '../refusal.ts'
import type { Access } from './access.ts'
import { isId } from './ids.ts'

/** Who a route lets in, by what a request shows. It is asked before a body is read. */
export interface Door {
  onRequest: (request: FastifyRequest) => Promise<void>
}

/** One for each kind of caller. A route without one is not registered. */
export function createDoors(access: Access, acceptUnenrolled: boolean) {
  const door = (look: (request: FastifyRequest, id: string) => Promise<unknown>): Door => ({
    onRequest: async (request) => {
      await look(request, idIn(request.params))
    },
  })
  return {
    anyone: door(async () => undefined),
    key: door(access.key),
    admin: door(access.admin),
    /** The token of a build, the key that submitted it, an administrator. */
    build: door(access.build),
    vm: door(access.vm),
    worker: door(access.worker),
    held: door(access.held),
    alive: door(access.alive),
    enrolled: door(access.enrolled),
    /** The original worker app shows nothing when it asks for its machine. */
    watching: door(async (request, id) => {
      if (!acceptUnenrolled || access.holder(request)) await access.held(request, id)
    }),
    polling: door(async (request) => {
      // The token of a worker is looked up with the claim.
      if (access.holder(request)?.workerHash) return
      await access.admin(request)
    }),
    /** Whose build it is stands in the body; who it is does not. */
    reporting: door(async (request) => {
      const shown = access.holder(request)
      if (shown?.workerHash) await access.worker(request)
      else if (!shown) await access.admin(request)
    }),
    /** The original worker app shows nothing when it sends a result. */
    uploading: door(async (request) => {
      const isOpen = acceptUnenrolled && !access.hasKey(request)
      // That of a worker is looked up with the report.
      if (!access.holder(request) && !isOpen) await access.admin(request)
    }),
  }
}

export type Doors = ReturnType<typeof createDoors>

function idIn(params: unknown): string {
  const isNamed = typeof params === 'object' && params !== null && 'id' in params
  if (!isNamed) return ''
  // Asked before the parameters are checked.
  if (typeof params.id === 'string' && isId.test(params.id)) return params.id
  throw new Refusal(404, 'Not Found')
}
