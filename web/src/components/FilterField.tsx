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

/** A field whose text goes into the address. It keeps its own: the address follows a little later. */
export function FilterField({ value, onFilter, type = 'search', ...field }: FilterFieldProps) {
  const [text, setText] = useState(value)
  return (
    <Field
      {...field}
      type={type}
      value={text}
      onChange={({ target }) => {
        setText(target.value)
        onFilter(target.value)
      }}
    />
  )
}
