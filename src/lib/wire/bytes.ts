const encoder = new TextEncoder()

/** Characters that are encoded by way of the scratch. */
const most = 64 * 1024
/** Characters whose bytes may share memory with others, if only for now. */
const short = 1024

// New memory is what encoding costs most, and how much of it text needs is only known afterwards. So text is encoded
// into memory that is used again and again, and copied out. Nobody else ever sees the scratch.
let scratch: Uint8Array | undefined

/** The bytes of some text, in memory of their own. */
export function encodeText(text: string): Uint8Array {
	if (text.length > most) return encoder.encode(text)
	// A character has at most three bytes: those that need four in UTF-8 are two characters.
	scratch ??= new Uint8Array(3 * most)
	return scratch.slice(0, encoder.encodeInto(text, scratch).written)
}

// Node keeps a pool for short buffers, and sees to it that nobody can transfer one away from under the others. For one
// event at a time that is four times as fast.
const pool = (globalThis as { Buffer?: { from(text: string): Uint8Array } }).Buffer

/** The same for bytes that are taken at once: short ones may hold on to memory that they share with others. */
export function encodeForNow(text: string): Uint8Array {
	return pool && text.length <= short ? pool.from(text) : encodeText(text)
}
