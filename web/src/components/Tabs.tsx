import { Link } from '@tanstack/react-router'

interface TabsProps<Tab extends string> {
  /** Of what these are the parts. */
  label: string
  tabs: readonly Tab[]
  titles: Readonly<Record<Tab, string>>
  chosen: Tab
}

/** The parts of what is shown, one at a time; which one stands in the address. */
export function Tabs<Tab extends string>({ label, tabs, titles, chosen }: TabsProps<Tab>) {
  return (
    <ul className="tabs" aria-label={label}>
      {tabs.map((tab) => (
        <li key={tab}>
          <Link
            to="."
            // Each page reads its own from the address.
            search={(old) => ({ ...old, tab: tab as never })}
            resetScroll={false}
            aria-current={tab === chosen ? 'page' : undefined}
          >
            {titles[tab]}
          </Link>
        </li>
      ))}
    </ul>
  )
}
