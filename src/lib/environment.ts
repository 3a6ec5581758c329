import { BROWSER } from 'esm-env'

/**
 * Where the library runs. On a server that renders pages `source()` opens nothing; the testing room says otherwise, to
 * drive it in Node.
 */
export const environment = { isClient: BROWSER }
