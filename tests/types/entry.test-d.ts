import { expectTypeOf, test } from 'vitest'
import { produce } from 'sveltekit-sse'

test('produce returns a standard Response', () => {
	expectTypeOf(produce).returns.toEqualTypeOf<Response>()
})
