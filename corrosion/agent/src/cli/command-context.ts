import type { Address } from '../gossip/address.ts'

/** What a command talks to, and where its lines go. */
export interface CommandContext {
  apiAddress(): Address
  adminPath(): string
  print(line: string): void
  /** As Corrosion's commands do, to standard output; RUST_LOG says from which level on. */
  log(level: string, message: string): void
}
