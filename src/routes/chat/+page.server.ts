import { engine } from './hub.server.js'

const colours = ['Amber', 'Blue', 'Coral', 'Green', 'Indigo', 'Olive', 'Plum', 'Teal']
const animals = ['Badger', 'Crane', 'Finch', 'Heron', 'Lynx', 'Marten', 'Otter', 'Wren']

export function load() {
	return { engine, session: crypto.randomUUID(), name: `${pick(colours)} ${pick(animals)}` }
}

function pick(words: string[]): string {
	return words[Math.floor(Math.random() * words.length)]!
}
