import { produce } from '../../../../src/lib/produce/produce.js'

// Streams with every timer there is, and nobody who reads them.

for (let i = 0; i < 10; i++) produce(() => {}, { ping: 1_000, maxDuration: 60_000 })
produce(({ emit, close }) => {
	emit('a', 'x')
	close()
})
