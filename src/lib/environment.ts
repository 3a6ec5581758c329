import { BROWSER, DEV } from 'esm-env'

/** Where the library runs. Tests set it, to drive in Node what runs elsewhere. */
export const environment = {
	/** Whether connections are made: on a server that renders pages, `source()` opens nothing. */
	isClient: BROWSER,
	/** For what users may want in development only; messages ask `DEV` itself, so that bundlers drop them. */
	isDevelopment: !!DEV,
	/**
	 * Whether requests may share nothing: in workerd, which runs Cloudflare Workers, a timer belongs to the request that
	 * set it, and ends with that request. Only workerd has this global. `navigator.userAgent`, the documented sign, is
	 * missing with old compatibility dates.
	 */
	isolatesRequests: 'WebSocketPair' in globalThis
}
