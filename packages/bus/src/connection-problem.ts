import { messageOf } from './error-message.ts'

const rights =
  'NATS_USER and NATS_PASSWORD (or NATS_PASSWORD_FILE) have to be those of a user in the configuration of nats-server'
const jetstreamOff =
  'turn JetStream on in the configuration of nats-server, for the account of NATS_USER too'

/** By the name of an error: what a person can do. */
const advices: Readonly<Record<string, string>> = {
  AuthorizationError: rights,
  UserAuthenticationExpiredError: rights,
  PermissionViolationError: 'give each service the NATS_USER that was made for it, with its rights',
  JetStreamNotEnabled: jetstreamOff,
  NoRespondersError: jetstreamOff,
  StreamNotFoundError: 'run corroport streams apply',
}

/** Undefined where time is likely to help, as with a server that is away. */
export function adviceAbout(error: unknown): string | undefined {
  for (let each = error; Error.isError(each); each = each.cause) {
    const advice = advices[each.name] ?? advices[each.constructor.name]
    if (advice !== undefined) return advice
  }
  return undefined
}

export function describeProblem(error: unknown): string {
  const advice = adviceAbout(error)
  return advice === undefined ? messageOf(error) : `${messageOf(error)}: ${advice}`
}
