import { respond } from '../src/lib/server/subject.js'

Deno.serve(
	{ port: Number(process.env.PORT), onListen: ({ port }) => console.log(`Listening on ${port}`) },
	respond
)
