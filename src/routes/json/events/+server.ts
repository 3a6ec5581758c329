import { produce } from 'sveltekit-sse'

const good = ['Ada', 'Grace', 'Alan', 'Margaret', 'Edsger']

export function POST() {
	return produce(function start({ emit }) {
		let turn = 0
		const greet = () => {
			const name = good[turn % good.length]
			// What is not a string is sent as JSON. Every third event is text that got cut off.
			if (turn % 3 === 2) emit('message', `{ "turn": ${turn}, "name": "${name}`)
			else emit('message', { turn, name })
			turn++
		}
		greet()
		const timer = setInterval(greet, 1_500)
		return function stop() {
			clearInterval(timer)
		}
	})
}
