import manifest from '../package.json' with { type: 'json' }

/** Version of CorroPort. All its packages have the same. */
export const { version } = manifest
