/**
 * The region that a node id begins with, as in `fra-3d8d9d0b`: two to four characters before the
 * first hyphen. Undefined where it has none.
 */
export function regionInNodeId(nodeId: string): string | undefined {
  return /^([a-zA-Z0-9_]{2,4})-/.exec(nodeId)?.[1]
}
