export interface DemoEntry {
	/** Where the page is; also the folder of its source, under `src/routes`. */
	path: `/${string}`
	title: string
	/** One sentence: what the page shows. */
	summary: string
	/** Its server remembers visitors in its own memory: the buttons have to reach the process that the stream came from. */
	needsOneProcess?: true
}

export interface DemoGroup {
	title: string
	entries: DemoEntry[]
}

/** Every page of the site. The menu, the home page, titles and the links from page to page are made of it. */
export const groups: DemoGroup[] = [
	{
		title: 'On the server',
		entries: [
			{
				path: '/clock',
				title: 'Clock',
				summary: 'The server emits the time once a second, and a component reads it like any value.'
			},
			{
				path: '/lock',
				title: 'Lock',
				summary:
					'A stream stays open until its lock is released; after that, emitting is an error.',
				needsOneProcess: true
			},
			{
				path: '/stop',
				title: 'Stop and clean-up',
				summary:
					'Whatever ends a stream, its stop function runs exactly once. Watch it in the server’s own log.',
				needsOneProcess: true
			},
			{
				path: '/ping',
				title: 'Ping',
				summary:
					'Heartbeats keep an idle stream alive and tell both sides when the other has gone. These are the bytes.'
			}
		]
	},
	{
		title: 'On the client',
		entries: [
			{
				path: '/reconnect',
				title: 'Reconnect',
				summary: 'Callbacks hear every ending, and one call brings the stream back.',
				needsOneProcess: true
			},
			{
				path: '/headers',
				title: 'Custom headers',
				summary:
					'Headers travel with the request, so a stream can be guarded like any other endpoint.'
			},
			{
				path: '/transform',
				title: 'Transform',
				summary: 'Turn the text of an event into whatever your component needs, and filter it.'
			},
			{
				path: '/json',
				title: 'JSON',
				summary: 'Events parsed as JSON, and a say in what is shown when one of them is broken.'
			},
			{
				path: '/typed',
				title: 'Typed events',
				summary:
					'One contract for server and page: names and data are checked as you type, and dates arrive as dates.'
			},
			{
				path: '/validation',
				title: 'Validation',
				summary:
					'A schema on both sides: what does not fit is not sent, and what comes all the same is not delivered.',
				needsOneProcess: true
			},
			{
				path: '/legacy',
				title: 'Legacy and runes',
				summary: 'The same source in a component of Svelte 4 and in one of Svelte 5: equal values.',
				needsOneProcess: true
			},
			{
				path: '/shared',
				title: 'Shared connections',
				summary: 'Any number of components read one stream through a single request.',
				needsOneProcess: true
			}
		]
	},
	{
		title: 'In real life',
		entries: [
			{
				path: '/third-party',
				title: 'Third-party data',
				summary:
					'A map from sessions to emitters lets a webhook, a queue or a form reach one visitor.',
				needsOneProcess: true
			},
			{
				path: '/tokens',
				title: 'Streaming tokens',
				summary: 'Words arrive one by one, the way a language model writes, and add up to a text.'
			},
			{
				path: '/list',
				title: 'Live list',
				summary: 'Events with a key update their row in place; the list never outgrows its limit.'
			},
			{
				path: '/chart',
				title: 'Chart',
				summary: 'Five samples a second from the server that sent you this page.'
			},
			{
				path: '/chat',
				title: 'Chat',
				summary: 'Rooms, what was said before, and who is here: a hub, on one machine or on many.'
			},
			{
				path: '/machines',
				title: 'Machines',
				summary:
					'Several server processes, and which one you sit on. Kill it: you move on to another, and miss nothing.'
			},
			{
				path: '/break-it',
				title: 'Break it',
				summary:
					'Cut, stall, restart and refuse the stream. It comes back, and not one number is missing.',
				needsOneProcess: true
			}
		]
	}
]

export const entries: DemoEntry[] = groups.flatMap((group) => group.entries)

/** The page at this path, and those before and after it. */
export function findEntry(
	path: string
): { entry: DemoEntry; previous?: DemoEntry; next?: DemoEntry } | undefined {
	const index = entries.findIndex((entry) => entry.path === path)
	const entry = entries[index]
	return entry && { entry, previous: entries[index - 1], next: entries[index + 1] }
}
