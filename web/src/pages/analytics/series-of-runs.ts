import { experiments } from '../../api/experiments.ts'

/** An experiment and all that repeat it, the oldest first. */
export async function seriesOf(first: string, list = experiments.list): Promise<string[]> {
  const repeats: string[] = []
  let before: string | undefined
  do {
    const page = await list(before, 200)
    const all = page.experiments.map(({ experiment }) => experiment)
    repeats.push(...all.filter(({ plan }) => plan.repeat_of === first).map(({ id }) => id))
    // The newest come first, and what repeats an experiment is newer than it.
    before = all.some(({ id }) => id === first) ? undefined : (page.next ?? undefined)
  } while (before !== undefined)
  return [first, ...repeats.toReversed()]
}
