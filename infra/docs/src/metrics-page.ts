import type { Metric } from '../../observability/src/metrics.ts'

/** docs/metrics.md */
export function renderMetrics(metrics: readonly Metric[], nodeMetrics: readonly string[]): string {
  return `# Metrics

Generated from \`infra/observability/src/metrics.ts\` by \`infra/docs\`; not edited by hand. Every process answers
\`GET /metrics\` on its METRICS_PORT. Where all services of a node are one process it has the metrics of all four. Alerts
that stand on them: [operations](operations.md#alerts).

A counter ends in \`_total\`, times are seconds, sizes bytes, shares ratios. A histogram has \`_bucket\`, \`_sum\` and
\`_count\`. Where something is not known its gauge is absent, not 0. The series of a label with names of nodes are as
many as there are members.

| metric | type | unit | by | labels | says |
| --- | --- | --- | --- | --- | --- |
${metrics.map(renderRow).join('\n')}

Each process also has Node's own: ${nodeMetrics.map((name) => `\`${name}\``).join(', ')}.
`
}

function renderRow({ name, type, unit, by, labels = {}, help }: Metric): string {
  const bounds = Object.entries(labels).map(([label, { says }]) => `\`${label}\`: ${says}`)
  return `| \`${name}\` | ${type} | ${unit} | ${by.join(', ')} | ${bounds.join('; ')} | ${help.replace(/\.$/, '')} |`
}
