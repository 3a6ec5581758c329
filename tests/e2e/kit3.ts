import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../scripts/install.mjs'
import { App } from '../support/app.js'

/** What the demo site is made of, beside the library: that comes packed, as from npm. */
const sources = ['src', 'static']
const library = join(root, 'src', 'lib')

/** The demo site in a new project of SvelteKit 3, built for production. */
export async function buildSite(): Promise<App> {
	const app = await App.make(3, 'reader')
	try {
		for (const folder of sources) {
			const copy = join(app.folder, folder)
			rmSync(copy, { recursive: true, force: true })
			cpSync(join(root, folder), copy, {
				recursive: true,
				filter: (path) => path !== library
			})
		}
		await app.run('build')
		return app
	} catch (error) {
		await app[Symbol.asyncDispose]()
		throw error
	}
}
