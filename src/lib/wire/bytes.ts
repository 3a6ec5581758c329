const encoder = new TextEncoder()

/** Characters that are encoded by way of the scratch. */
const maxScratchChars = 64 * 1024
/** Characters whose bytes may share memory with others, if only for now. */
const short = 1024

// New memory is what encoding costs most, and how much of it text needs is only known afterwards. So text is encoded
// into memory that is used again and again, and copied out. Nobody else ever sees the scratch.
let scratch: Uint8Array | undefined

// Where Node's buffers are, memory need not be cleared before it is written, and short buffers come out of a pool, of
// which Node sees to it that nobody can transfer it away from under the others.
const buffers = (globalThis as { Buffer?: Buffers }).Buffer

interface Buffers {
	from(text: string): Uint8Array
	allocUnsafeSlow(size: number): Uint8Array
}

/** The bytes of some text, in memory of their own. */
export function encodeText(text: string): Uint8Array {
	if (text.length > maxScratchChars) return encoder.encode(text)
	// A character has at most three bytes: those that need four in UTF-8 are two characters.
	scratch ??= new Uint8Array(3 * maxScratchChars)
	const { written } = encoder.encodeInto(text, scratch)
	if (!buffers) return scratch.slice(0, written)
	const bytes = buffers.allocUnsafeSlow(written)
	bytes.set(scratch.subarray(0, written))
	return bytes
}

/** The same for bytes that are taken at once: short ones may hold on to memory that they share with others. */
export function encodeForNow(text: string): Uint8Array {
	return buffers && text.length <= short ? buffers.from(text) : encodeText(text)
}
