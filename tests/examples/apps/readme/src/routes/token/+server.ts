import { tokens } from '../../stand-ins'

export const GET = () => new Response(`token ${++tokens.made}`)
