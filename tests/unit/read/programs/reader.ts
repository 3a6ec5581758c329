import { read } from '../../../../src/lib/read/index.js'

// A plain program: nothing but its loop keeps it alive. It leaves the loop at the event `last`.

const write = (line: unknown): void => void process.stdout.write(JSON.stringify(line) + '\n')

const stream = read(process.env.URL!, {
	reconnect: { min: 200 },
	error: ({ code }) => write(code)
})
for await (const { name, data } of stream) {
	write(data)
	if (name === 'last') break
}
write('left')
