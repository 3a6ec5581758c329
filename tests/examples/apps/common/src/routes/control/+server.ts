import { seen } from '../../seen'
import { languageModel, tokens } from '../../stand-ins'

/** What the stand-ins and the server have seen since the test began. */
export function GET() {
	const { asked, given, stopped } = languageModel
	return Response.json({ asked, given, stopped, tokens: tokens.made, requests: seen.requests })
}

/** Changes how the stand-ins behave. */
export async function POST({ request }) {
	const {
		words = Infinity,
		fails = false,
		validFrom = 1,
		lifetime = 3_600_000
	} = await request.json()
	Object.assign(languageModel, { words, fails })
	Object.assign(tokens, { validFrom, lifetime })
	languageModel.changed.resolve()
	languageModel.changed = Promise.withResolvers()
	return new Response(null, { status: 204 })
}

/** Forgets what was counted. */
export function DELETE() {
	Object.assign(languageModel, { asked: 0, given: 0, stopped: 0 })
	tokens.made = 0
	seen.requests = {}
	return new Response(null, { status: 204 })
}
