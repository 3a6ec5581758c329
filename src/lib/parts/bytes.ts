/** Whether a text takes more than so many bytes of UTF-8. */
export function isLonger(text: string, bytes: number): boolean {
	// No character takes more than three bytes, so that most texts need not be encoded to be measured.
	return text.length * 3 > bytes && new TextEncoder().encode(text).length > bytes
}
