import { Hub } from 'sveltekit-sse/hub'

export const hub = new Hub()
