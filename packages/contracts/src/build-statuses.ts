// Apart from the shapes: a page that names them does not load the library of shapes.
export const buildStatuses = [
  'pending',
  'assigned',
  'building',
  'completed',
  'failed',
  'cancelled',
  'dead',
] as const
