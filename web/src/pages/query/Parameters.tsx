import type { QueryPreset } from '@corroport/contracts'
import { Choice, Field } from '../../components/Field.tsx'
import { type ParameterKind, parameterKinds, type TypedParameter } from './parameter.ts'

/** A parameter of the statement with what was typed for it, and what is wrong with that. */
export interface Parameter extends TypedParameter {
  name: string
  error: string | undefined
}

interface ParametersProps {
  parameters: readonly Parameter[]
  /** Whose statement it is; it says what its parameters mean. */
  preset: QueryPreset | undefined
  onChange: (name: string, typed: TypedParameter) => void
}

const options = parameterKinds.map((kind) => ({ value: kind, label: kind }))

/** A field for each `:name` of the statement. */
export function Parameters({ parameters, preset, onChange }: ParametersProps) {
  if (parameters.length === 0) return null
  return (
    <fieldset className="query-parameters">
      <legend>Parameters</legend>
      {parameters.map(({ name, kind, text, error }) => {
        const known = preset?.parameters.find((parameter) => parameter.name === name)
        return (
          <div key={name} className="query-parameter">
            <Field
              label={`:${name}`}
              hint={known?.description}
              error={error}
              value={text}
              disabled={kind === 'NULL'}
              inputMode={kind === 'integer' ? 'numeric' : 'text'}
              onChange={({ target }) => onChange(name, { kind, text: target.value })}
            />
            {!known && (
              <Choice<ParameterKind>
                label={`Kind of :${name}`}
                value={kind}
                options={options}
                onChange={(next) => onChange(name, { kind: next, text })}
              />
            )}
          </div>
        )
      })}
    </fieldset>
  )
}
