import { hub } from '../../lib/server/hub'
import { orders } from '../../stand-ins'

export async function POST({ request }) {
	const { topic, name, data } = await request.json()
	if (name === 'created') orders.push(data)
	const { error } = await hub.publish(topic, name, data)
	return Response.json({ error: error && error.message })
}
