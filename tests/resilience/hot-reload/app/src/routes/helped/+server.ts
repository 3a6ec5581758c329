import { numbers } from '../../lib/numbers.js'

export const POST = () => numbers()
