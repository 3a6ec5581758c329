import { BROWSER, DEV } from 'esm-env'

/**
 * Where the library runs. On a server that renders pages `source()` opens nothing; the testing room says otherwise, to
 * drive it in Node. `isDevelopment` is for what users may want in development only; messages ask `DEV` itself, so that
 * bundlers drop them.
 */
export const environment = { isClient: BROWSER, isDevelopment: !!DEV }
