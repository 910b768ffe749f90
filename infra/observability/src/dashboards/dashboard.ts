/** What Grafana calls units. */
type Unit = 'short' | 's' | 'bytes' | 'Bps' | 'ms' | 'percentunit' | 'ops' | 'bool_on_off'

export interface Panel {
  title: string
  /** For people, in the corner of the panel. */
  says?: string
  kind?: 'timeseries' | 'stat' | 'table'
  unit?: Unit
  /** Of 24 columns. */
  width?: 4 | 6 | 8 | 12 | 24
  /** A PromQL expression, by what its series are called: `{{node}}`. */
  queries: Readonly<Record<string, string>>
}

export interface Dashboard {
  /** Also the name of its file. */
  uid: string
  title: string
  rows: readonly { title: string; panels: readonly Panel[] }[]
}

const columns = 24
const panelHeight = 8
const statHeight = 4
const datasource = { type: 'prometheus', uid: 'prometheus' }

/** The JSON that Grafana loads. `$node` in a query is the nodes that are chosen above the panels. */
export function toGrafana({ uid, title, rows }: Dashboard): object {
  let id = 0
  let y = 0
  const panels = rows.flatMap((row) => {
    const head = {
      id: ++id,
      type: 'row',
      title: row.title,
      collapsed: false,
      gridPos: { x: 0, y: y++, w: columns, h: 1 },
      panels: [],
    }
    let x = 0
    let lineHeight = 0
    const placed = row.panels.map((panel) => {
      const { width = 8, kind = 'timeseries' } = panel
      const height = kind === 'stat' ? statHeight : panelHeight
      if (x + width > columns) {
        x = 0
        y += lineHeight
        lineHeight = 0
      }
      const gridPos = { x, y, w: width, h: height }
      x += width
      lineHeight = Math.max(lineHeight, height)
      return { id: ++id, ...toPanel(panel), gridPos }
    })
    y += lineHeight
    return [head, ...placed]
  })
  return {
    uid: `corroport-${uid}`,
    title: `CorroPort: ${title}`,
    tags: ['corroport'],
    schemaVersion: 39,
    version: 1,
    editable: false,
    refresh: '10s',
    time: { from: 'now-1h', to: 'now' },
    timezone: 'browser',
    graphTooltip: 1,
    links: [
      { type: 'dashboards', tags: ['corroport'], asDropdown: false, keepTime: true, title: '' },
    ],
    templating: {
      list: [
        {
          name: 'node',
          type: 'query',
          datasource,
          query: { query: 'label_values(up{job="corroport"}, node)', refId: 'nodes' },
          refresh: 2,
          sort: 3,
          multi: true,
          includeAll: true,
          allValue: '.*',
          current: { text: 'All', value: '$__all' },
        },
      ],
    },
    panels,
  }
}

function toPanel({ title, says, kind = 'timeseries', unit = 'short', queries }: Panel): object {
  return {
    type: kind,
    title,
    ...(says !== undefined && { description: says }),
    datasource,
    fieldConfig: {
      defaults: { unit, ...(unit === 'percentunit' && { min: 0 }), noValue: 'not known' },
      overrides: [],
    },
    options: optionsOf[kind],
    targets: Object.entries(queries).map(([legendFormat, expr], index) => ({
      refId: String.fromCodePoint(65 + index),
      datasource,
      expr,
      legendFormat,
      ...(kind === 'timeseries' ? {} : { instant: true, range: false }),
      ...(kind === 'table' && { format: 'table' }),
    })),
  }
}

const optionsOf = {
  timeseries: { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi' } },
  stat: { reduceOptions: { calcs: ['lastNotNull'] }, colorMode: 'value', graphMode: 'area' },
  table: { showHeader: true },
} as const
