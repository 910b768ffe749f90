import { encrypting } from '../files/certificates.ts'
import { type ReceivedForm, receiveForm } from '../files/receive-form.ts'
import type { Draft } from '../files/storage.ts'
import { Refusal } from '../refusal.ts'
import { findByKey, type NewBuild, replaceToken } from '../store/builds.ts'
import { createId, createToken, hashOf } from '../tokens.ts'
import type { App, AppDeps } from './app.ts'
import { WithId } from './ids.ts'

/** What makes a build: a submission, or another build. */
export function submitRoutes(app: App, prefix: string, deps: AppDeps): void {
  const { config, pool, storage, access, may, newBuilds } = deps

  for (const path of ['/builds/submit', '/builds']) {
    app.post(`${prefix}${path}`, may.key, async (request, reply) => {
      const owner = await access.key(request)
      newBuilds.refuseIfFull()
      const idempotencyKey = readIdempotencyKey(request.headers['idempotency-key'])
      const limit = config.maxSourceBytes + config.maxCertsBytes + 65_536
      if (Number(request.headers['content-length'] ?? 0) > limit) {
        throw new Refusal(413, 'Source file too large', { maxBytes: config.maxSourceBytes })
      }
      await using form = await receiveForm(request.raw, storage, {
        source: { maxBytes: config.maxSourceBytes },
        certs: {
          maxBytes: config.maxCertsBytes,
          through: () => encrypting(config.certificatesKey),
        },
      })
      const { source, certs, ...about } = readSubmission(form)
      const token = createToken()
      const id = createId()
      const build: NewBuild = {
        ...about,
        id,
        owner: owner.id,
        tokenHash: hashOf(token),
        idempotencyKey,
        retryOf: null,
        source: await source.keep(id, 'source'),
        certs: certs ? await certs.keep(id, 'certs') : null,
      }
      const inserted = await newBuilds.insert(build)
      if (inserted) {
        reply.code(201)
        return toSubmitted(id, build.platform, inserted.submitted_at, token)
      }
      const earlier = await findByKey(pool, owner.id, idempotencyKey ?? '')
      const isSame =
        earlier?.platform === build.platform && earlier.source_sha256.equals(build.source.sha256)
      if (!isSame) throw new Refusal(422, 'this Idempotency-Key was used for another build')
      // Whoever submits again has not read the first answer.
      await replaceToken(pool, earlier.id, build.tokenHash)
      return toSubmitted(earlier.id, earlier.platform, earlier.submitted_at, token)
    })
  }

  app.post(
    `${prefix}/builds/:id/retry`,
    { ...may.build, schema: { params: WithId } },
    async (request) => {
      const original = await access.build(request)
      const { id, token, submittedAt } = await newBuilds.retry(original)
      return {
        ...toSubmitted(id, original.platform, submittedAt, token),
        original_build_id: original.id,
      }
    },
  )
}

function toSubmitted(id: string, platform: string, submittedAt: Date, token: string) {
  return {
    id,
    status: 'pending',
    platform,
    submitted_at: submittedAt.toISOString(),
    access_token: token,
  }
}

function readIdempotencyKey(given: string | string[] | undefined): string | null {
  if (given === undefined) return null
  if (typeof given === 'string' && /^[!-~]{1,255}$/.test(given)) return given
  throw new Refusal(400, 'Idempotency-Key has 1 to 255 visible characters')
}

interface Submission {
  platform: 'ios' | 'android'
  labels: string[]
  priority: number
  source: Draft
  certs: Draft | undefined
}

const maxLabels = 16

/** Fields that this controller does not know are left unread, an Apple password among them. */
function readSubmission({ fields, files }: ReceivedForm<'source' | 'certs'>): Submission {
  const platform = fields.get('platform')
  if (platform !== 'ios' && platform !== 'android') {
    throw new Refusal(400, "Invalid platform. Must be 'ios' or 'android'")
  }
  if (!files.source) throw new Refusal(400, 'Missing source file')
  if (files.source.bytes === 0) throw new Refusal(400, 'Source file is empty')
  const labels = readLabels(fields.get('labels') ?? '')
  const priority = Number(fields.get('priority') ?? 0)
  if (!Number.isInteger(priority) || priority < -10 || priority > 10) {
    throw new Refusal(400, 'priority is a whole number from -10 to 10')
  }
  return { platform, labels, priority, source: files.source, certs: files.certs }
}

/** `xcode-16, m2`: each is asked of the worker. */
export function readLabels(text: string): string[] {
  const labels = text
    .split(',')
    .map((label) => label.trim())
    .filter((label) => label !== '')
  if (labels.length > maxLabels || !labels.every((label) => /^[A-Za-z0-9._-]{1,64}$/.test(label))) {
    throw new Refusal(400, `labels are up to ${maxLabels} names of letters, digits, dots, dashes`)
  }
  return [...new Set(labels)].toSorted((a, b) => a.localeCompare(b))
}
