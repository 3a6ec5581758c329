import { respond } from '../../lib/server/subject.js'

export const POST = ({ request }) => respond(request)
