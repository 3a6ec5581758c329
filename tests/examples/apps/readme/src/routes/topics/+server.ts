import { hub } from '../../lib/server/hub'

export const POST = ({ request, url }) =>
	hub.stream(url.searchParams.get('rooms')?.split(',') ?? [], { request })
