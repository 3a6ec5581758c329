/** Shows an error that nobody can catch, the way the platform shows an uncaught one, and goes on. */
export function report(thrown: unknown): void {
	if (typeof globalThis.reportError === 'function') globalThis.reportError(thrown)
	else console.error(thrown)
}
