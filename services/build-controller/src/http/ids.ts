import { Type } from 'typebox'

/** As they are made here, and as the worker app makes its own. */
export const isId = /^[A-Za-z0-9_-]{1,64}$/
export const Id = Type.String({ pattern: isId.source })
export const WithId = Type.Object({ id: Id })
