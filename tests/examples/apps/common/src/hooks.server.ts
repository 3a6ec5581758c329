import { seen } from './seen'
import './stand-ins'

export async function handle({ event, resolve }) {
	event.locals.user = { id: '42', name: 'Ann' }
	const response = await resolve(event)
	seen.count(event.request, response)
	return response
}
