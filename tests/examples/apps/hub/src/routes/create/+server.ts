import type { Pool } from 'pg'
import * as server from '../../lib/server/hub'
import { create } from '../../lib/server/transaction'

/** Of the hub that asks for PostgreSQL; the others have none. */
const { pool } = server as unknown as { pool: Pool }

export async function POST({ request }) {
	const order = await request.json()
	const error = await create(pool, order).catch(String)
	return Response.json({ error: error ?? false })
}
