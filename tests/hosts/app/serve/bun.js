import { respond } from '../src/lib/server/subject.js'

const { port } = Bun.serve({ port: process.env.PORT, fetch: respond })
console.log(`Listening on ${port}`)
