import type { ExperimentStatus } from '@corroport/contracts'
import type { Static } from 'typebox'
import { Badge, type Tone } from '../../components/Badge.tsx'

const tones: Record<Static<typeof ExperimentStatus>, Tone> = {
  created: 'quiet',
  running: 'info',
  finishing: 'info',
  finished: 'good',
  // By a person, who wanted it so.
  stopped: 'quiet',
  interrupted: 'bad',
}

export function ExperimentState({ of }: { of: keyof typeof tones }) {
  return <Badge tone={tones[of]}>{of}</Badge>
}
