export { freePort } from '../../src/lib/testing/faults/free-port.js'
