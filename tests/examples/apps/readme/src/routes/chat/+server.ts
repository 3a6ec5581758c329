import { produce } from 'sveltekit-sse'

export async function POST({ request }) {
	const { prompt } = await request.json()
	return produce(
		async ({ emit, close }) => {
			for await (const token of model(prompt)) emit('token', token)
			close()
		},
		{ request }
	)
}
