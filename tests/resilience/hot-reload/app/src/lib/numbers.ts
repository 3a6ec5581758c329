import { produce } from 'sveltekit-sse'

const edition = 0

export const numbers = () => produce(({ emit }) => void emit('number', edition))
