import { STATUS_CODES } from 'node:http'
import type { Answer } from './types.js'

const requestLine = /^[A-Z]+ \S+ HTTP\/1\.[01]\r\n/

/** Whether these bytes begin an HTTP/1 request; the clients here never pipeline. */
export function startsRequest(bytes: Buffer): boolean {
	return requestLine.test(bytes.subarray(0, 8192).toString('latin1'))
}

/** The bytes of the response; the connection is to be closed after them. */
export function responseBytes({ status, headers = {}, body = '' }: Answer): Buffer {
	const content = Buffer.from(body)
	const own: Record<string, string> = { connection: 'close' }
	// These have no body, and no length of one.
	if (status !== 204 && status !== 304) own['content-length'] = String(content.length)
	const lines = Object.entries({ ...own, ...headers }).map(([name, value]) => `${name}: ${value}`)
	const head = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Unknown'}`, ...lines, '', '']
	return Buffer.concat([Buffer.from(head.join('\r\n')), content])
}
