import fc from 'fast-check'
import { seedFromEnvironment } from './random.js'

const seed = seedFromEnvironment()

// A failure names the seed; with it in the environment variable `SEED` the same cases come again.
fc.configureGlobal({ seed: seed | 0 })

export { fc, seed }
