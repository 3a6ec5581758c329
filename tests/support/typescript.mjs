import { existsSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'

// Lets Node run the library's sources as they are: it strips types by itself, but `.js` specifiers have to find `.ts`.
registerHooks({
	resolve(specifier, context, next) {
		if (specifier.startsWith('.') && specifier.endsWith('.js')) {
			const source = new URL(specifier.replace(/\.js$/, '.ts'), context.parentURL)
			if (existsSync(fileURLToPath(source))) return next(source.href, context)
		}
		return next(specifier, context)
	}
})
