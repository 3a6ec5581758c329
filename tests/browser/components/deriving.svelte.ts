/** Derives outside of the component that reads it, or inside: as the caller is. */
export function deriveLoud(channel: { readonly current: string }): { readonly current: string } {
	const text = $derived(channel.current)
	const loud = $derived(text.toUpperCase())
	return {
		get current() {
			return loud
		}
	}
}
