import { Chromium } from '../chromium.mjs'
import { median } from '../stats.mjs'

/** @import { Options, Row, Table } from '../types.js' */

const everyone = ['ours', 'ours again', 'feed', 'sveltekit-sse-0.14']
const events = 10_000

const workloads = [
	{
		name: 'browser-event',
		goal: 'event',
		title: 'Chromium, bytes to listener',
		text: 'from handing the bytes over until a listener has heard the last event'
	},
	{
		name: 'browser-current',
		goal: 'current',
		title: 'Chromium, bytes to `current`',
		text: 'until an effect that reads the latest value sees the last event'
	},
	{
		name: 'browser-dom',
		goal: 'dom',
		title: 'Chromium, bytes to rendered DOM',
		text: 'until the text of the last event is in the document'
	},
	{
		name: 'browser-channels',
		goal: 'channels',
		channels: 1_000,
		quick: false,
		title: 'Chromium, 1,000 channels on a link',
		text: 'of 1,000 names, until the listeners of 1,000 channels have heard all of them'
	}
]

/** The client in a browser: bursts into an open stream. */
export const browser = workloads.map(({ name, title, text, goal, channels, quick }) => ({
	name,
	quick,
	/** @param {Options} options @returns {Promise<Table>} */
	async run({ repeats, only }) {
		const chromium = await Chromium.start()
		try {
			const tabs = []
			for (const who of everyone.filter(only)) tabs.push({ who, tab: await chromium.tab() })
			/** @type {Map<string, number[]>} */
			const values = new Map(tabs.map(({ who }) => [who, []]))
			for (let repeat = -2; repeat < repeats; repeat++) {
				for (const { who, tab } of tabs) {
					const plain = who.replace(/ again$/, '')
					const times = await tab.run({ who: plain, goal, events, bursts: 5, channels })
					await tab.close()
					if (repeat >= 0) values.get(who)?.push((events / median(times)) * 1_000)
				}
			}
			return {
				name,
				title,
				text: `Bursts of ${events.toLocaleString('en')} events of 64 characters in chunks of 16 KiB, ${text}.`,
				unit: 'events/s',
				better: 'more',
				targets: [],
				rows: [...values].map(([name, values]) => ({ name, values }))
			}
		} finally {
			await chromium.stop()
		}
	}
}))

/** What a page holds after its stream has brought a million events, and is still open. */
export const browserHeap = {
	name: 'browser-heap',
	quick: false,
	/** @param {Options} options @returns {Promise<Table>} */
	async run({ only }) {
		const chromium = await Chromium.start()
		try {
			/** @type {Row[]} */
			const rows = []
			for (const who of ['ours', 'feed', 'sveltekit-sse-0.14'].filter(only)) {
				const tab = await chromium.tab()
				await tab.run({ who, goal: 'current', events, bursts: 5 })
				const before = await tab.heap()
				await tab.run({ who, goal: 'current', events, bursts: 100 })
				rows.push({ name: who, values: [((await tab.heap()) - before) / 1_000] })
			}
			return {
				name: 'browser-heap',
				title: 'Chromium, memory after a million events',
				text: "What the page's heap has grown by, on one stream that is still open and read.",
				unit: 'kB',
				better: 'less',
				targets: [],
				rows
			}
		} finally {
			await chromium.stop()
		}
	}
}
