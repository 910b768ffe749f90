import type { Locator, Page } from 'playwright-core'

export const mostTabs = 200

/** Also of what stands in a shadow tree, where the document knows only the host. */
export function hasFocus(target: Locator): Promise<boolean> {
  return target.evaluate((element) => {
    const { activeElement } = element.getRootNode() as Document | ShadowRoot
    return element === activeElement
  })
}

/** Presses Tab until what is meant has the focus, as somebody without a mouse does. */
export async function tabTo(page: Page, target: Locator): Promise<void> {
  await target.waitFor()
  for (let count = 0; count < mostTabs; count += 1) {
    if (await hasFocus(target)) return
    await page.keyboard.press('Tab')
  }
  throw new Error(`${mostTabs} presses of Tab did not reach ${target.toString()}`)
}

/** Reached by Tab and pressed by Enter: a button or a link. */
export async function press(page: Page, target: Locator): Promise<void> {
  await tabTo(page, target)
  await page.keyboard.press('Enter')
}

/** By keys alone: reached, and then typed into. */
export async function typeInto(page: Page, target: Locator, text: string): Promise<void> {
  await tabTo(page, target)
  await page.keyboard.press('Control+A')
  await page.keyboard.type(text)
}
