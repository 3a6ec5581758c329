import { sveltekit } from '@sveltejs/kit/vite'
import { defineConfig } from 'vite'
import { aliases } from './scripts/entries.mjs'

export default defineConfig({
	plugins: [sveltekit()],
	resolve: { alias: aliases() }
})
