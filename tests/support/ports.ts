export { freePort, isFree } from '../../src/lib/testing/faults/free-port.js'
