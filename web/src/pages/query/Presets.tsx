import type { QueryPreset } from '@corroport/contracts'
import { Choice } from '../../components/Field.tsx'

interface PresetsProps {
  presets: readonly QueryPreset[]
  chosen: QueryPreset | undefined
  onPick: (preset: QueryPreset) => void
}

/** Statements that are kept, of one source. */
export function Presets({ presets, chosen, onPick }: PresetsProps) {
  return (
    <Choice
      label="Preset"
      value={chosen?.id ?? ''}
      options={[
        { value: '', label: 'own statement' },
        ...presets.map(({ id, name }) => ({ value: id, label: name })),
      ]}
      onChange={(id) => {
        const preset = presets.find((each) => each.id === id)
        if (preset) onPick(preset)
      }}
    />
  )
}
