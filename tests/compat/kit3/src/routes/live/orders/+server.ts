import { json } from '@sveltejs/kit'
import { hub } from '../hub.server'
import { add, loops } from '../orders.server'
import type { RequestHandler } from './$types'

export const POST: RequestHandler = async ({ request }) => {
	const order = await request.json()
	add(order)
	const { error } = await hub.publish('orders', 'created', order)
	return json({ error })
}

export const GET: RequestHandler = () => json(loops)
