import { Html } from './html.ts'

const series = ['3b82f6', 'f59e0b', '10b981', 'ef4444', '8b5cf6', 'ec4899', '14b8a6', 'f97316']

export const styles = new Html(`
:root { --text: #1c2430; --dim: #667085; --line: #d9dee7; --back: #fff; --mark: #b42318; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6e9ef; --dim: #98a2b3; --line: #344054; --back: #11161f; --mark: #fda29b; }
}
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; background: var(--back); color: var(--text);
  font: 15px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1, h2, h3 { line-height: 1.2; } h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line); }
.wide { overflow-x: auto; } .note { white-space: pre-wrap; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 13px; }
th, td { padding: 2px 8px; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:first-child, .text { text-align: left; } .text { color: var(--dim); white-space: normal; }
.warning, .interrupted { color: var(--mark); }
svg { display: block; width: 100%; height: auto; font-size: 11px; } svg text { fill: var(--dim); }
svg.strip { width: 300px; height: 14px; }
.strip path, .line { stroke: currentColor; fill: none; stroke-width: 1; }
.grid { stroke: var(--line); stroke-width: 1; } .bar { fill: #3b82f6; fill-opacity: .75; }
path.mark { stroke: var(--mark); stroke-dasharray: 4 3; } text.mark { fill: var(--mark); }
.dot { stroke: currentColor; stroke-width: 3; stroke-linecap: round; stroke-opacity: .6; }
.dot.big { stroke-width: 6; stroke-opacity: 1; }
.line.slice { stroke: var(--text); stroke-width: 2; } .slice.p95 { stroke-dasharray: 2 2; }
.lost { stroke: var(--mark); stroke-width: 4; }
.legend span { margin-right: 1em; font-weight: 600; }
${series.map((colour, index) => `.c${index} { color: #${colour}; }`).join('\n')}
@media print { body { max-width: none; } }
`)
