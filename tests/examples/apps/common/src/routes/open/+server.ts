import { leftovers } from 'sveltekit-sse/testing'

/** What of the library is open on the server. */
export async function GET() {
	const { streams, loops } = await leftovers()
	return Response.json({ streams, loops })
}
