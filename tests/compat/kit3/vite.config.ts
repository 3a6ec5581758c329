import adapter from '@sveltejs/adapter-node'
import { sveltekit } from '@sveltejs/kit/vite'
import { defineConfig } from 'vite'

export default defineConfig({
	plugins: [
		sveltekit({
			adapter: adapter(),
			// For `query.live`.
			experimental: { remoteFunctions: true },
			// Without it adapter-node takes itself to be behind TLS, and SvelteKit 3 refuses every POST of a
			// page that came over plain http.
			paths: { origin: process.env.ORIGIN }
		})
	]
})
