import { produce } from 'sveltekit-sse'

const edition = 0

export const POST = () => produce(({ emit }) => void emit('number', edition))
