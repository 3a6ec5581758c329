import type { Emit } from 'sveltekit-sse'

/** Who is online: the emitters of each session, one for each of its streams. */
export const clients = new Map<string, Set<Emit>>()
