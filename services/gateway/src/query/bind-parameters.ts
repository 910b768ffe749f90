import { messageOf, RefusalError } from '@corroport/bus'
import { type Cell, findParameters, type QueryParameters } from '@corroport/contracts'
import type { Parameter, Statement } from '@corroport/corrosion-client'

/** The statement as an agent takes it: names get the prefix with which the statement has them. */
export function bindParameters(sql: string, params: QueryParameters): Statement {
  if (Array.isArray(params)) return params.length === 0 ? sql : [sql, params.map(toParameter)]
  const uses = findParameters(sql, 'corrosion')
  const named = uses.flatMap(({ name, start, end }) => {
    const value = name !== undefined && Object.hasOwn(params, name) ? params[name] : undefined
    return value === undefined ? [] : [[sql.slice(start, end), toParameter(value)] as const]
  })
  return named.length === 0 ? sql : [sql, Object.fromEntries(named)]
}

/** A number without a fraction is bound as an integer. */
function toParameter(cell: Cell): Parameter {
  if (typeof cell !== 'object' || cell === null) return cell
  if ('$integer' in cell) return BigInt(cell.$integer)
  try {
    return Uint8Array.fromBase64(cell.$blob)
  } catch (cause) {
    throw new RefusalError('invalid', `a $blob is not base64: ${messageOf(cause)}`)
  }
}
