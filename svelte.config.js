import adapter from '@sveltejs/adapter-node'

/** @type {import('@sveltejs/kit').Config} */
export default {
	kit: {
		adapter: adapter(),
		// The demo and the tests import the library by its published name.
		alias: { 'sveltekit-sse': 'src/lib' }
	}
}
