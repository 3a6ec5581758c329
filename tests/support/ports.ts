import { networkInterfaces } from 'node:os'

export { freePort, isFree, keepPort } from '../../src/lib/testing/faults/free-port.js'

/** Without it no port can be kept. */
export const hasIPv6 = Object.values(networkInterfaces()).some((addresses) =>
	addresses?.some(({ address }) => address === '::1')
)
