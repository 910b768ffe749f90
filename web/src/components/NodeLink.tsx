import { Link } from '@tanstack/react-router'

/** A node by its name, which leads to its page. */
export function NodeLink({ id }: { id: string }) {
  return (
    <Link to="/node" search={{ node: id }}>
      {id}
    </Link>
  )
}
