import './stand-ins'

export async function handle({ event, resolve }) {
	event.locals.user = { id: '42', name: 'Ann' }
	return resolve(event)
}
