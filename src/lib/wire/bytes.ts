const encoder = new TextEncoder()

/** Characters that are encoded by way of the scratch. */
const most = 64 * 1024

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
