import { Link } from '@tanstack/react-router'

export function NotFound() {
  return (
    <>
      <h1>There is no such page</h1>
      <p>
        The pages stand in the navigation; <Link to="/">Propagation</Link> is the first.
      </p>
    </>
  )
}
