/** The pages, in the order of the navigation; `g` and the key lead there. */
export const places = [
  { to: '/', title: 'Propagation', key: 'p' },
  { to: '/cluster', title: 'Cluster', key: 'c' },
  { to: '/messages', title: 'Messages', key: 'm' },
  { to: '/node', title: 'Node', key: 'n' },
  { to: '/analytics', title: 'Analytics', key: 'a' },
  { to: '/query-console', title: 'Query console', key: 'q' },
  { to: '/clocks', title: 'Clocks', key: 'k' },
  { to: '/edge', title: 'Edge', key: 'x' },
  { to: '/builds', title: 'Builds', key: 'b' },
  { to: '/events', title: 'Events', key: 'e' },
  { to: '/operations', title: 'Operations', key: 'o' },
] as const
