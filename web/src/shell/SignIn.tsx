import { useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { messageOf, RefusedError } from '../api/errors.ts'
import { gateway } from '../api/gateway.ts'
import { sessionQuery } from '../api/queries.ts'
import { Field } from '../components/Field.tsx'

/** Stands for the whole console until somebody is in. */
export function SignIn({ nodeId }: { nodeId: string }) {
  return (
    <main className="sign-in">
      <h1>CorroPort</h1>
      <SignInForm nodeId={nodeId} hasFocus />
    </main>
  )
}

/** Above a page whose session ended: what was typed there is not lost by signing in again. */
export function SignInAgain({ nodeId }: { nodeId: string }) {
  return (
    <section className="note warn" role="alert" aria-label="Sign in again">
      <p>The session is over. What you see is as it was, and what you typed is still there.</p>
      <SignInForm nodeId={nodeId} />
    </section>
  )
}

/** It takes the focus only where nobody can be typing elsewhere. */
function SignInForm({ nodeId, hasFocus = false }: { nodeId: string; hasFocus?: boolean }) {
  const queries = useQueryClient()
  const [token, setToken] = useState('')
  const [error, setError] = useState<string>()

  const signIn = async (event: FormEvent): Promise<void> => {
    event.preventDefault()
    setError(undefined)
    try {
      queries.setQueryData(sessionQuery.queryKey, await gateway.signIn(token.trim()))
      await queries.invalidateQueries()
    } catch (failure) {
      setError(
        failure instanceof RefusedError && failure.status === 400
          ? 'a token begins with cpt_ and has 57 characters'
          : messageOf(failure),
      )
    }
  }

  return (
    <form onSubmit={(event) => void signIn(event)}>
      <Field
        label={`Access token for ${nodeId}`}
        type="password"
        autoComplete="current-password"
        autoFocus={hasFocus}
        required
        value={token}
        error={error}
        hint="corroport token create --name … --role operator"
        onChange={({ target }) => setToken(target.value)}
      />
      <button type="submit" className="primary">
        Sign in
      </button>
    </form>
  )
}
