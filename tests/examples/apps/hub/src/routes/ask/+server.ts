import { hub } from '../../lib/server/hub'

async function ask(id: string, question: string) {
	// @fragment // the action that starts it
}

export async function POST({ request }) {
	const { question } = await request.json()
	return Response.json(await ask(crypto.randomUUID(), question))
}
