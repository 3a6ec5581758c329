/** What this process has done since it started. */
export const stats = { startedAt: Date.now(), pages: 0, streams: 0 }
