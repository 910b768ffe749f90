import { Health as HealthSchema } from '@corroport/contracts'
import type { Health } from '@corroport/service'
import type { App } from '../http-server.ts'

export function registerHealth(app: App, { health }: { health: Health }): void {
  const schema = { response: { 200: HealthSchema, 503: HealthSchema } }
  for (const path of ['/health/live', '/health/startup'] as const) {
    app.get(path, { schema }, () => health.live())
  }
  for (const path of ['/health', '/health/ready'] as const) {
    app.get(path, { schema }, (_request, reply) => {
      const report = health.ready()
      reply.code(report.status === 'ok' ? 200 : 503)
      return report
    })
  }
}
