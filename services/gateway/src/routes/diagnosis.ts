import { DiagnosisReply } from '@corroport/contracts'
import type { Config } from '../config.ts'
import type { App } from '../http-server.ts'
import type { OwnNode } from '../own-node.ts'
import { answeredBy, answers } from './responses.ts'

export interface DiagnosisDeps {
  config: Pick<Config, 'nodeId'>
  ownNode: Pick<OwnNode, 'diagnose'>
}

export function registerDiagnosis(app: App, { config, ownNode }: DiagnosisDeps): void {
  app.get(
    '/api/diagnose',
    { config: { access: 'viewer' }, schema: { response: answers(DiagnosisReply) } },
    async () => ({ steps: await ownNode.diagnose(), ...answeredBy(config.nodeId) }),
  )
}
