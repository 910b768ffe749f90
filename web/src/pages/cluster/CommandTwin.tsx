import { Copy } from '../../components/Copy.tsx'

/** The same as a command. */
export function CommandTwin({ command }: { command: string }) {
  return (
    <span className="cluster-command">
      <code>{command}</code> <Copy text={command} />
    </span>
  )
}
