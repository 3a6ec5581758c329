import { hub } from '../../lib/server/hub'

export async function POST() {
	// @fragment // a form action, a webhook, a job: anywhere on the server, on any machine
	return Response.json({ error: error && error.message })
}
