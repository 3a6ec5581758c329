/** A model would be asked here. This one has its answers ready. */
export const answers: Record<string, { question: string; answer: string }> = {
	sse: {
		question: 'What are server-sent events?',
		answer:
			'Server-sent events are the simplest way for a server to keep talking: one HTTP response that does not end. ' +
			'The server writes lines of text whenever it has something to say, and the browser hears each event as it arrives.\n\n' +
			'There is no protocol to upgrade and no second port to open. Proxies, cookies, compression and your own middleware ' +
			'see an ordinary request, because it is one.\n\n' +
			'When the connection is lost, the browser asks again and says which event it saw last, so that the server can go on ' +
			'from there. That is why each of these words has an id: cut the connection in the middle of a sentence, and the ' +
			'sentence still comes to its end, with no word twice and none left out.\n\n' +
			'What it does not do is listen. Whoever has something to say to the server makes another request, as with any page; ' +
			'on HTTP/2 that costs next to nothing, for all of them share one connection.'
	},
	sockets: {
		question: 'When would I rather use WebSockets?',
		answer:
			'When both sides talk all the time: a game, a shared drawing, a terminal.\n\n' +
			'Most applications are not like that. They listen, and now and then they send something, for which a form action or ' +
			'a fetch is quite enough. Then a stream of events does the job with fewer moving parts, and it comes back by itself.'
	},
	haiku: {
		question: 'Say it in a haiku.',
		answer: 'One request, held long.\nThe server speaks, and pauses,\nand still you listen.'
	}
}
