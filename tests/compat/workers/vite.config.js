import { svelte } from '@sveltejs/vite-plugin-svelte'

export default {
	plugins: [svelte({ configFile: false })],
	ssr: { noExternal: true, target: 'webworker', resolve: { conditions: ['workerd', 'svelte'] } },
	build: { ssr: 'src/worker.js' }
}
