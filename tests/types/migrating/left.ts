// What does not compile any more: the rows of docs/migrating.md about types. A test compiles it with the real 0.14.3 as
// well, where none of these lines is an error.

import type { Start, Stop } from 'sveltekit-sse'
import { writable } from 'svelte/store'

const ends: string[] = []
const stop: Stop = () => void ends.push('stop')
const start: Start = ({ emit }) => (emit('message', 'hello'), stop)

// @ts-expect-error [stop-type]
void stop({})

// @ts-expect-error [start-type]
void start({ emit: () => ({ value: undefined, error: false }), lock: writable(true), source: {} })
