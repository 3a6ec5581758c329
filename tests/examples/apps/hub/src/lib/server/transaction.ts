import type { PoolClient } from 'pg'
import { hub } from './hub'

export async function create(client: PoolClient, order: { id: number }) {
	// @fragment await client.query('begin')
}
