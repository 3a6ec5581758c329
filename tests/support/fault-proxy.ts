export {
	startFaultProxy,
	type Answer,
	type FaultConnection,
	type FaultControls,
	type FaultProxy,
	type Settings,
	type Sizes
} from '../../src/lib/testing/node.js'
