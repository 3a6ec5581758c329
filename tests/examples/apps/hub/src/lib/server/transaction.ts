import type { Pool } from 'pg'
import { hub } from './hub'

export async function create(pool: Pool, order: { id: number }) {
	// @fragment const client = await pool.connect()
}
