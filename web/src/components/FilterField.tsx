import { useState } from 'react'
import { Field } from './Field.tsx'

interface FilterFieldProps {
  label: string
  /** As the address has it. */
  value: string
  onFilter: (text: string) => void
  type?: 'search' | 'number'
  placeholder?: string
}

/** A field whose text goes into the address; when it is left, it shows what is there. */
export function FilterField({ value, onFilter, type = 'search', ...field }: FilterFieldProps) {
  // The address follows a little later, and leaves out what does not fit.
  const [typed, setTyped] = useState<string>()
  return (
    <Field
      {...field}
      type={type}
      value={typed ?? value}
      onChange={({ target }) => {
        setTyped(target.value)
        onFilter(target.value)
      }}
      onBlur={() => setTyped(undefined)}
    />
  )
}
