import { Hub } from 'sveltekit-sse/hub'
import { imported } from './version.js'

const own = 0

export const versions = { imported, own }
export const hub = new Hub()
