import { beforeEach, inject } from 'vitest'

beforeEach(({ skip }) => {
	const missing = inject('missing')
	if (missing) skip(missing)
})
