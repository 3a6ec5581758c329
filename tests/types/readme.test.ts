import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { SseErrorCode } from '../../src/lib/errors.js'
import { policyOf } from '../../src/lib/link/retry.js'
import type { Reason, ReconnectOptions, Status } from '../../src/lib/link/types.js'
import { defaults } from '../../src/lib/produce/options.js'
import type { ProduceOptions } from '../../src/lib/produce/types.js'
import type { SourceOptions } from '../../src/lib/source/options.js'

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')

/** The rows of the first table after this text, as cells. */
function rows(after: string): string[][] {
	const from = readme.indexOf(after)
	if (from < 0) throw new Error(`The README says nowhere: ${after}`)
	const [, , ...lines] = /(^\|.*\n)+/m.exec(readme.slice(from))![0].trim().split('\n')
	return lines.map((line) => line.slice(2, -2).split(/ ?(?<!\\)\| ?/))
}

/** What the first cells of a table name. */
function named(after: string): string[] {
	return rows(after).flatMap(([first]) =>
		[...first!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!)
	)
}

/** The keys of something that the compiler has found to have them all, and no other. */
const all = (complete: Record<string, unknown>) => Object.keys(complete).sort()

const statuses = {
	idle: 0,
	connecting: 0,
	open: 0,
	reconnecting: 0,
	closed: 0
} satisfies Record<Status, unknown>

const reasons = {
	done: 0,
	denied: 0,
	restart: 0,
	slow: 0,
	rotate: 0,
	expired: 0,
	error: 0,
	unused: 0,
	asked: 0,
	accepted: 0,
	complete: 0,
	'no-content': 0,
	cut: 0,
	silent: 0,
	network: 0,
	timeout: 0,
	refused: 0,
	request: 0,
	offline: 0,
	hidden: 0,
	away: 0,
	outdated: 0,
	behind: 0,
	local: 0,
	aborted: 0
} satisfies Record<Reason, unknown>

const codes = {
	'invalid-argument': 0,
	'invalid-url': 0,
	closed: 0,
	overflow: 0,
	serialize: 0,
	network: 0,
	response: 0,
	cut: 0,
	silent: 0,
	timeout: 0,
	request: 0,
	aborted: 0,
	denied: 0,
	failed: 0,
	'too-large': 0,
	version: 0,
	parse: 0,
	validation: 0,
	callback: 0,
	gap: 0
} satisfies Record<SseErrorCode, unknown>

/** The names of 0.15 are told of in the row of those of today. */
type Today<T> = Exclude<keyof T, `on${string}`>

const sourceOptions = {
	method: 0,
	headers: 0,
	body: 0,
	credentials: 0,
	signal: 0,
	fetch: 0,
	open: 0,
	close: 0,
	error: 0,
	message: 0,
	options: 0,
	openWhenHidden: 0,
	cache: 0,
	key: 0,
	events: 0,
	initial: 0,
	lastEventId: 0,
	urlChange: 0,
	reconnect: 0,
	connectTimeout: 0,
	watchdog: 0,
	linger: 0,
	hidden: 0,
	gap: 0
} satisfies Record<Today<SourceOptions>, unknown>

const produceOptions = {
	stop: 0,
	headers: 0,
	ping: 0,
	request: 0,
	resumed: 0,
	events: 0,
	retry: 0,
	maxDuration: 0,
	maxBuffer: 0,
	overflow: 0,
	error: 0
} satisfies Record<keyof ProduceOptions, unknown>

const reconnectOptions = {
	min: '500',
	max: '30_000',
	attempts: 'Infinity',
	minUptime: '5_000',
	decide: undefined
} satisfies Record<keyof ReconnectOptions, unknown>

test.for([
	['status', '| status |', statuses],
	['reason', '| reason |', reasons],
	['error code', '| code |', codes],
	['option of source()', '### `source(from, options)`', sourceOptions],
	['option of produce()', '### `produce(start, options)`', produceOptions]
] as const)('the README names every %s there is, once, and no other', ([, after, complete]) => {
	expect(named(after).sort()).toEqual(all(complete))
})

test('and the defaults are those of the code', () => {
	const number = (text: string) => Number(text.replaceAll('_', ''))
	const reconnect = rows('### `source(from, options)`').find(([name]) => name === '`reconnect`')!
	for (const [name, value] of Object.entries(reconnectOptions)) {
		expect(reconnect.join()).toContain(value ? `${name}: ${value}` : name)
		if (value) expect(policyOf({})).toMatchObject({ [name]: number(value) })
	}
	const produced = Object.fromEntries(
		rows('### `produce(start, options)`').map(([name, , value]) => [
			name!.replaceAll('`', ''),
			value!
		])
	)
	// The default, and then that of Bun.
	expect(number(/[\d_]+/.exec(produced.ping!)![0])).toBe(defaults.ping)
	expect(parseInt(produced.maxBuffer!) * 1024 * 1024).toBe(defaults.maxBuffer)
	expect(produced.overflow).toBe(`\`'${defaults.overflow}'\``)
})
