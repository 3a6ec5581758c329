import { produce } from 'sveltekit-sse'

export const POST = () => produce(({ close }) => close('restart', { retry: 60_000 }))
