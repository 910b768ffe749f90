import { Dialog } from '../components/Dialog.tsx'
import { places } from './places.ts'

export function Help({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keys" onClose={onClose}>
      <dl className="keys">
        <dt>
          <kbd>/</kbd> or <kbd>Ctrl</kbd> <kbd>K</kbd>
        </dt>
        <dd>go to or do</dd>
        <dt>
          <kbd>?</kbd>
        </dt>
        <dd>this list</dd>
        {places.map(({ title, key }) => (
          <div key={key}>
            <dt>
              <kbd>g</kbd> <kbd>{key}</kbd>
            </dt>
            <dd>{title}</dd>
          </div>
        ))}
        <dt>
          <kbd>↑</kbd> <kbd>↓</kbd>
        </dt>
        <dd>rows of a table</dd>
        <dt>
          <kbd>Ctrl</kbd> <kbd>Enter</kbd>
        </dt>
        <dd>send the message, run the query</dd>
        <dt>
          <kbd>Esc</kbd>
        </dt>
        <dd>close what is open</dd>
      </dl>
      <p>
        The API describes itself at <a href="/api/openapi.json">/api/openapi.json</a>; whatever a
        page does, <code>npx corroport --help</code> does too.
      </p>
    </Dialog>
  )
}
