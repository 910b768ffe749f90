import { type Cell, queryPresets } from '@corroport/contracts'
import { useQuery } from '@tanstack/react-query'
import { useRouter } from '@tanstack/react-router'
import { messageOf, RefusedError } from '../../api/errors.ts'
import { gateway } from '../../api/gateway.ts'
import { sessionQuery } from '../../api/queries.ts'
import { Copy } from '../../components/Copy.tsx'
import { Choice } from '../../components/Field.tsx'
import { ErrorNote } from '../../components/Notice.tsx'
import { Panel } from '../../components/Panel.tsx'
import { toast } from '../../components/toasts.ts'
import { Limits } from './Limits.tsx'
import { NodeChoice } from './NodeChoice.tsx'
import { Parameters } from './Parameters.tsx'
import { Presets } from './Presets.tsx'
import { asCli, asCurl, explanationOf, toRequest } from './query-command.ts'
import { SqlEditor } from './SqlEditor.tsx'
import type { QueryChange, QuerySearch } from './search.ts'
import { placeOfError } from './statement-place.ts'
import { isTooLong } from './useDraft.ts'
import { useParameters } from './useParameters.ts'
import type { Asked, Run } from './useRun.ts'

interface StatementProps {
  draft: QuerySearch
  change: (part: QueryChange) => void
  run: Run
  onRun: (query: QuerySearch, asked: Omit<Asked, 'patienceMs'>) => void
  onCancel: () => void
}

const noRelations: [] = []
const sources = [
  { value: 'corrosion', label: 'Corrosion, the agents (SQLite)' },
  { value: 'analytics', label: 'Analytics (PostgreSQL)' },
] as const

/** What is asked, of whom, and how often it may answer. */
export function Statement({ draft, change, run, onRun, onCancel }: StatementProps) {
  const { sql = '', source } = draft
  const engine = source ?? 'corrosion'
  const relations = useQuery({
    queryKey: ['relations', engine],
    queryFn: () => gateway.relations(engine),
    staleTime: 60_000,
  })
  const presets = queryPresets.filter((preset) => preset.source === engine)
  const preset = presets.find((each) => each.sql === sql)
  const parameters = useParameters(draft, preset, (params) => change({ params }))
  const isExplained = /^\s*explain\b/i.test(sql)

  const ask = (front: string): void => {
    parameters.ask()
    if (sql.trim() === '' || parameters.cells === undefined) return
    const query = { ...draft, params: parameters.cells }
    const request = { ...toRequest(query, parameters.cells), sql: `${front}${sql}` }
    onRun(query, { request, before: front.length })
  }
  const pick = (picked: (typeof presets)[number]): void => {
    const defaults = picked.parameters.flatMap(({ name, default: value }) =>
      value === null ? [] : [[name, value] as const],
    )
    const params: Record<string, Cell> = Object.fromEntries(defaults)
    parameters.reset()
    change({ sql: picked.sql, params })
    if (sql.trim() !== '' && preset === undefined) {
      const putBack = () => change({ sql, params: draft.params ?? {} })
      toast('info', `${picked.name} is in the editor`, { label: 'Put mine back', run: putBack })
    }
  }

  const refusal = refusalOf(run, sql)
  return (
    <Panel title="Statement">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          ask('')
        }}
      >
        <div className="row">
          <Choice
            label="Source"
            value={engine}
            options={sources}
            onChange={(value) => change({ source: value === 'analytics' ? value : undefined })}
          />
          {engine === 'corrosion' && (
            <NodeChoice nodes={draft.nodes} onChange={(nodes) => change({ nodes })} />
          )}
          <Presets presets={presets} chosen={preset} onPick={pick} />
        </div>
        {preset && <p className="hint">{preset.description}</p>}
        <SqlEditor
          text={sql}
          source={engine}
          relations={relations.data?.relations ?? noRelations}
          error={refusal?.message}
          span={refusal?.span}
          onChange={(text) => change({ sql: text })}
          onRun={() => ask('')}
        />
        {relations.error && (
          <p className="hint">No completion of tables: {messageOf(relations.error)}.</p>
        )}
        <Parameters parameters={parameters.list} preset={preset} onChange={parameters.change} />
        <Limits draft={draft} onChange={change} />
        {run.failure && !refusal && (
          <ErrorNote error={run.failure.error} what="rows" onRetry={() => ask('')} />
        )}
        <div className="toolbar">
          <button type="submit" className="primary" disabled={sql.trim() === ''}>
            Run
          </button>
          <button type="button" disabled={run.runningSince === undefined} onClick={onCancel}>
            Cancel
          </button>
          <button
            type="button"
            disabled={sql.trim() === '' || isExplained}
            title={isExplained ? 'the statement explains already' : 'how it would be carried out'}
            onClick={() => ask(explanationOf(source))}
          >
            Explain
          </button>
          <Copies draft={draft} cells={parameters.cells ?? {}} />
        </div>
      </form>
    </Panel>
  )
}

/** The same query for elsewhere. */
function Copies({ draft, cells }: { draft: QuerySearch; cells: Record<string, Cell> }) {
  const { data: session } = useQuery(sessionQuery)
  const router = useRouter()
  const request = toRequest(draft, cells)
  const place = { origin: window.location.origin, wantsToken: session?.access === 'tokens' }
  const cli = asCli(request, place)
  const { href } = router.buildLocation({
    to: '/query-console',
    search: { ...draft, params: cells, run: 1 },
  })
  return (
    <span className="query-copies">
      <Copy label="Copy as curl" text={asCurl(request, place)} />
      {cli !== undefined && <Copy label="Copy as CLI" text={cli} />}
      {isTooLong(draft) ? (
        <span className="hint">too long for a link</span>
      ) : (
        <Copy label="Copy link" text={`${place.origin}${href}`} />
      )}
    </span>
  )
}

/** What the gateway or an engine has against the statement itself, and where in it. */
function refusalOf({ failure }: Run, sql: string) {
  if (!failure) return undefined
  const { error, asked } = failure
  if (!(error instanceof RefusedError) || ![400, 422].includes(error.status)) return undefined
  const isSame = asked.request.sql.slice(asked.before) === sql
  const span = isSame ? placeOfError(error.message, sql, asked.before) : undefined
  return { message: error.message, span }
}
