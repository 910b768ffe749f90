import { Health as HealthSchema, HealthSummary } from '@corroport/contracts'
import { type Health, statusCodeOf } from '@corroport/service'
import type { App } from '../http-server.ts'

export function registerHealth(app: App, { health }: { health: Health }): void {
  const schema = { response: { 200: HealthSchema, 503: HealthSchema } }
  for (const probe of ['live', 'ready', 'startup'] as const) {
    app.get(
      `/health/${probe}`,
      { config: { access: 'public' }, schema },
      async (_request, reply) => {
        const report = await health[probe]()
        reply.code(statusCodeOf(report))
        return report
      },
    )
  }
  const summarySchema = { response: { 200: HealthSummary, 503: HealthSummary } }
  app.get(
    '/health',
    { config: { access: 'public' }, schema: summarySchema },
    async (_request, reply) => {
      const report = await health.summary()
      reply.code(statusCodeOf(report))
      return report
    },
  )
}
