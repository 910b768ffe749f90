// Two, since V8 reads fastest where it has only ever seen one kind of array.

/** 0 beyond its end. */
export function intAt(array: Int32Array, index: number): number {
  return array[index] ?? 0
}

/** 0 beyond its end. */
export function floatAt(array: Float64Array, index: number): number {
  return array[index] ?? 0
}
