export type Style = 'red' | 'green' | 'yellow' | 'cyan' | 'dim' | 'bold'

/** A piece of a line. Text is always plain: what comes from outside never reaches the terminal raw. */
export type Part = string | { readonly text: string; readonly style: Style }

export function textOf(part: Part): string {
  return typeof part === 'string' ? part : part.text
}

/**
 * Control characters and direction marks as `\u001b`: message texts are written by anybody, and would
 * otherwise move the cursor or fake lines. The form is that of JSON, so JSON keeps its meaning.
 */
export function printable(text: string): string {
  return text
    .replaceAll('\n', '\\n')
    .replaceAll(
      /[\p{Cc}\p{Zl}\p{Zp}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu,
      (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
    )
}

const segmenter = new Intl.Segmenter()
const wide =
  /\p{Emoji_Presentation}|\u{fe0f}|[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\u3000-\u3020\uff01-\uff60]/u

/** Columns that a text takes on a terminal. */
export function widthOf(text: string): number {
  if (/^[ -~]*$/.test(text)) return text.length
  let width = 0
  for (const { segment } of segmenter.segment(text)) width += wide.test(segment) ? 2 : 1
  return width
}

/** The text cut to a width, with an ellipsis where something is missing. */
export function fit(text: string, width: number): string {
  if (widthOf(text) <= width) return text
  let kept = ''
  let left = width - 1
  for (const { segment } of segmenter.segment(text)) {
    left -= wide.test(segment) ? 2 : 1
    if (left < 0) break
    kept += segment
  }
  return width > 0 ? `${kept}…` : ''
}
