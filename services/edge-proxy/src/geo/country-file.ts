import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Logger } from 'pino'
import { watchFiles } from '../watch-files.ts'
import { createCountries } from './countries.ts'

const usualFile = '@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb'

export interface CountryFileOptions {
  /** Undefined: the database that comes along. */
  path: string | undefined
  onLoad: (database: SharedArrayBuffer) => void
  log: Logger
}

/**
 * Reads a database of countries, and again when its file has changed. One that cannot be used leaves
 * the one before, or at the start nothing: then no country is known.
 */
export function openCountryFile({ path: given, onLoad, log }: CountryFileOptions): Disposable {
  const path = given ?? createRequire(import.meta.url).resolve(usualFile)
  const load = (): void => {
    try {
      const bytes = readFileSync(path)
      const database = new SharedArrayBuffer(bytes.length)
      Buffer.from(database).set(bytes)
      createCountries().use(database)
      onLoad(database)
      log.info({ path, bytes: bytes.length }, 'database of countries read')
    } catch (error) {
      const reason = Error.isError(error) ? error.message : String(error)
      log.error({ path, reason }, 'database of countries not read: what was read before stays')
    }
  }
  load()
  return watchFiles([path], load)
}
