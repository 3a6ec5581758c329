import { source } from '../../../src/lib/source/source.js'
import { Room } from '../room.js'

// State of a module, shared by every component that imports it.

export const room = new Room()
export const connection = source(room.url)

const value = connection.select('message')
const loud = $derived(value.current.toUpperCase())

export const shared = {
	get loud() {
		return loud
	}
}
