import { produce } from 'sveltekit-sse'
import { feed, startTicking } from '../../lib/ticking'

export const POST = ({ request }) =>
	produce(({ emit }) => void startTicking(emit), { request, events: feed })
