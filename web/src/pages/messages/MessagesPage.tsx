import { useNavigate, useSearch } from '@tanstack/react-router'
import { Panel } from '../../components/Panel.tsx'
import { useTimeRange } from '../../shell/time-range.ts'
import { HeatMap } from './HeatMap.tsx'
import { MessageLife } from './MessageLife.tsx'
import { MessageList } from './MessageList.tsx'
import { Receptions } from './Receptions.tsx'
import { ResetTracking } from './ResetTracking.tsx'
import { SendForm } from './SendForm.tsx'
import './messages.css'

export function MessagesPage() {
  const { message } = useSearch({ from: '/messages' })
  const navigate = useNavigate({ from: '/messages' })
  const range = useTimeRange()
  const choose = (pk: string | undefined): void =>
    void navigate({
      search: ({ message: _message, ...rest }) =>
        pk === undefined ? rest : { ...rest, message: pk },
      replace: true,
      resetScroll: false,
    })
  return (
    <>
      <h1>Messages</h1>
      <Panel title="Send a message" actions={<ResetTracking />}>
        <SendForm onSent={choose} />
      </Panel>
      {message !== undefined && (
        <MessageLife key={message} pk={message} onClose={() => choose(undefined)} />
      )}
      <MessageList key={`list ${range.key}`} range={range} />
      <HeatMap range={range} />
      <Receptions />
    </>
  )
}
