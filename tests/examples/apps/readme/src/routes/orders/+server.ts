import { hub } from '../../lib/server/hub'

export const POST = ({ request }) => hub.stream('orders', { request })
