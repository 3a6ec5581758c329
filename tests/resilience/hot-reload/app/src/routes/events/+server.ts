import { hub, versions } from '../../lib/hub.js'

const route = 0

export function POST({ request }: { request: Request }): Response {
	const id = request.headers.get('visitor')!
	return hub.stream('numbers', { request, member: { id } })
}

export async function PUT({ request }: { request: Request }): Promise<Response> {
	const { error } = await hub.publish('numbers', 'number', await request.text())
	return new Response(null, { status: error ? 503 : 204 })
}

/** Which edition of each file this is, and who is here. */
export async function GET(): Promise<Response> {
	const members = await hub.presence('numbers')
	return Response.json({
		versions: { ...versions, route },
		connections: hub.connections('numbers'),
		members: members.map(({ id }) => id)
	})
}
