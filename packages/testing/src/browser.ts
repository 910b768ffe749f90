import { type Browser, chromium } from 'playwright-core'
import { requireBrowser } from '../../../infra/setup/find-browser.mjs'

/** A Chromium without a window, with nothing of an earlier one in it. */
export async function startBrowser(): Promise<Browser> {
  return await chromium.launch({
    executablePath: requireBrowser(process.env),
    // A sandbox needs rights that root in a container does not have.
    args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
  })
}
