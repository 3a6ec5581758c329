import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { flushPromises } from '../../../../src/lib/testing/flush-promises.js'
import { startFaultProxy, type FaultConnection } from '../../../support/fault-proxy.js'

// Closes a proxy in the middle of every fault there is, and writes what is left of it: sockets, servers and timers.

const faults: ((connection: FaultConnection) => void)[] = [
	() => {},
	(connection) => connection.stall(),
	(connection) => connection.halfOpen(),
	(connection) => connection.delay(60_000),
	(connection) => connection.throttle(1),
	(connection) => connection.hold(),
	() => proxy.refuse()
]
const counted = ['TCPSocketWrap', 'TCPServerWrap', 'ConnectWrap', 'Timeout', 'Immediate']
const handles = () => process.getActiveResourcesInfo().filter((name) => counted.includes(name))

const sockets: Socket[] = []
const upstream = createServer((socket) => {
	socket.on('error', () => {})
	sockets.push(socket)
	// Something to hold back.
	socket.write('x'.repeat(1_000))
})
upstream.listen(0, '127.0.0.1')
await once(upstream, 'listening')

const proxy = await startFaultProxy((upstream.address() as AddressInfo).port)
for (const fault of faults) {
	proxy.onConnection = fault
	const client = connect({ port: proxy.port, host: '127.0.0.1' })
	client.on('error', () => {})
	client.write('x')
	sockets.push(client)
	await proxy.nextConnection(20_000)
}
const { open } = proxy
// What is late and what trickles wait for their timers.
const timers = () => handles().filter((name) => name === 'Timeout').length
while (timers() < 2) await flushPromises()
await proxy.close()

// The other ends are ours; the system takes a turn or two to close what was closed.
const deadline = performance.now() + 20_000
let left = handles()
while (left.join() !== 'TCPServerWrap' && performance.now() < deadline) {
	for (const socket of sockets) socket.destroy()
	await flushPromises()
	left = handles()
}
console.log(JSON.stringify({ open, left }))
await proxy.close()
upstream.close()
