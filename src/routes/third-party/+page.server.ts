export function load() {
	return { session: crypto.randomUUID() }
}
