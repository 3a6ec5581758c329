// npm run docs: writes the reference of the API, docs/reference, anew out of the doc comments. With a
// path, writes it there instead.

import { join, resolve } from 'node:path'
import { Application } from 'typedoc'
import { entries } from './entries.mjs'
import { root } from './install.mjs'
import { fail } from './process.mjs'

const application = await Application.bootstrapWithPlugins({
	plugin: ['typedoc-plugin-markdown'],
	entryPoints: entries().map(({ source }) => join(root, source)),
	tsconfig: join(root, 'scripts', 'docs.tsconfig.json'),
	basePath: root,
	out: resolve(process.argv[2] ?? join(root, 'docs', 'reference')),
	name: 'API reference',
	readme: 'none',
	groupOrder: ['Functions', 'Variables', 'Classes', 'Interfaces', 'Type Aliases'],
	hideGenerator: true,
	// Where the sources lie is nobody's business but git's.
	disableSources: true,
	disableGit: true,
	excludeExternals: true,
	excludeInternal: true,
	excludePrivate: true,
	validation: { notExported: true, invalidLink: true, notDocumented: true },
	// Types that only spare a signature its length.
	intentionallyNotExported: ['Body', 'Changed', 'EventName', 'Payload', 'SchemaResult']
})
for (const [name, value] of Object.entries({
	outputFileStrategy: 'modules',
	flattenOutputFiles: true,
	hideBreadcrumbs: true,
	useCodeBlocks: true,
	parametersFormat: 'table',
	interfacePropertiesFormat: 'table',
	typeDeclarationFormat: 'table'
}))
	application.options.setValue(name, value)

const project = await application.convert()
if (!project) fail('The reference could not be written, see above.')
application.validate(project)
// An export without a comment, a link that leads nowhere.
if (application.logger.hasWarnings()) fail('The doc comments above want mending.')
await application.generateOutputs(project)
