import { hub } from '../../../lib/server/hub'

export const POST = ({ request, params }) => hub.stream(`answer:${params.id}`, { request })
