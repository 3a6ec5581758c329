import type { SseError } from '../errors.js'
import type { Body, RequestOptions } from './types.js'

type Link = { readonly isLive: boolean }

// What the console says in development about requests that cannot work, or that make the server work twice. Production
// builds leave this file out: it is called behind `DEV` only.

/** Characters of a body that a warning shows. */
const maxShown = 200

/** Why a response is no event stream, and what to do about it. */
export function explainRefusal(response: Response, method: string, body: string): string {
	const { status, headers } = response
	const type = headers.get('content-type') ?? 'no content type'
	const fault = response.body ? `${type} is not text/event-stream` : 'it has no body'
	return `status ${status}${status === 200 ? `, and ${fault}` : ''}; ${remedyFor(response, method, body)}`
}

function remedyFor(response: Response, method: string, body: string): string {
	const { status, redirected, url } = response
	const isPage = /^\s*text\/html/i.test(response.headers.get('content-type') ?? '')
	if (/cross-site \w+ form submissions/i.test(body)) return formRemedy
	if (status === 401 || status === 403)
		return "this client may not read it: send what the endpoint or a hook asks for, by `headers`, or by `credentials: 'include'` where cookies have to go to another origin"
	if (status === 404) return 'no endpoint has this URL'
	// An endpoint without the method answers in plain text.
	if (status === 405 && isPage) return 'this is a page, and no endpoint has this URL'
	if (status === 405) {
		const other = method === 'GET' ? 'POST' : 'GET'
		return `export ${method} from the endpoint, or pass \`method: '${other}'\` if it exports ${other}`
	}
	if (status === 0)
		return 'a redirect that `redirect` forbids to follow, or a response that `mode` hides'
	if (status >= 500)
		return 'the server failed, and its log says why, or the endpoint does not return what produce() returns'
	if (redirected) return `the request was redirected to ${url}, as to a login`
	if (isPage) return 'this is a page, such as a login, and not an endpoint that returns produce()'
	return 'return produce() from the endpoint'
}

/** What a person reads of a page, and all of what is none. */
function textOf(body: string): string {
	const markup = /<(style|script)\b[\s\S]*?(<\/\1\s*>|$)|<[!/a-z][^>]*(>|$)/gi
	return body.replace(markup, ' ').replace(/\s+/g, ' ').trim()
}

const formRemedy =
	'SvelteKit takes the request for a form that another site sends. Give the app its own origin by `paths.origin` of its ' +
	'config (SvelteKit 3) or by ORIGIN (adapter-node of SvelteKit 2), add the origin of the page to `csrf.trustedOrigins` if ' +
	'it is another one, or send a content type that forms do not have, such as application/json'

/** Says that a request is refused, once for each status of a connection. */
export function warnOfRefusal(options: RequestOptions, { status, message, body }: SseError): void {
	const start = textOf(body ?? '').slice(0, maxShown)
	warnOnce(
		options,
		`refused ${status}`,
		`${options.method} ${options.url} gave no event stream: ${message}.` +
			(start ? ` The body begins: ${start}` : '')
	)
}

/**
 * What each connection sent with a body, and got a stream for. A request that is equal to it makes the server do the same
 * work again, unless somebody asks for it anew: then the link forgets what was answered.
 */
const answered = new WeakMap<RequestOptions, Body>()

/** A stream is the answer to a request with this body. */
export function rememberAnswered(options: RequestOptions, body: Body | null | undefined): void {
	if (body != null) answered.set(options, body)
}

/** The next request is asked for, and does not follow a loss. */
export function forgetAnswered(options: RequestOptions): void {
	answered.delete(options)
}

/** Says once that the server is about to get the same body again, and is not told what the client has. */
export function warnOfRepeat(
	options: RequestOptions,
	body: Body | null | undefined,
	lastEventId: string | undefined
): void {
	// A body that a function makes may tell what the client has.
	if (body == null || answered.get(options) !== body || lastEventId) return
	warnOnce(
		options,
		'repeat',
		`${options.method} ${options.url} sends its body again after a loss, without a last event id, so the server does the work ` +
			'again, such as asking a language model twice. Emit events with ids, and let the endpoint go on behind ' +
			'`lastEventId`; or pass `reconnect: false`.'
	)
}

const warned = new WeakMap<RequestOptions, Set<string>>()

function warnOnce(options: RequestOptions, what: string, text: string): void {
	const known = warned.get(options) ?? new Set()
	if (known.has(what)) return
	warned.set(options, known.add(what))
	console.warn(`sveltekit-sse: ${text}`)
}

/** The links that would be one, if their functions were the same, by the rest of their requests. */
const twins = new Map<string, { links: Set<Link>; isTold: boolean }>()

/**
 * Says once that equal requests do not share a connection, because each has functions of its own.
 *
 * @param key what their requests have in common beside the functions
 */
export function warnOfTwins(link: Link, { url }: RequestOptions, key: string): void {
	for (const [other, { links }] of twins) {
		for (const one of links) if (!one.isLive && one !== link) links.delete(one)
		if (links.size === 0) twins.delete(other)
	}
	const known = twins.get(key) ?? { links: new Set(), isTold: false }
	twins.set(key, known)
	known.links.add(link)
	if (known.links.size < 2 || known.isTold) return
	known.isTold = true
	console.warn(
		`sveltekit-sse: ${known.links.size} connections to ${url} are open, since their options have functions of their own, ` +
			'such as `headers: () => …` written in each call. Make the source once and share it, or pass the same `key` to each.'
	)
}
