// Apart from the schemas, so that the console has it without the library of schemas.

/** Longest content of a message, in UTF-8 bytes. */
export const maxContentBytes = 64 * 1024
