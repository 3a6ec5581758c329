// SvelteKit projects as the official scaffolder makes them, with the packed library as a dependency: what newcomers
// and readers of the documents have. `node scripts/kit.mjs` writes the lock files of these projects anew.

import {
	copyFileSync,
	cpSync,
	linkSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	readlinkSync,
	symlinkSync,
	writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ensureNode, root } from './install.mjs'
import { inTemporaryFolder, installPackages, makeOnce } from './make-once.mjs'
import { packLibrary } from './pack.mjs'
import { run } from './process.mjs'

/**
 * @typedef {2 | 3} Major of SvelteKit
 * @typedef {'newcomer' | 'reader' | 'host' | 'cloudflare'} Kind what is installed: nothing but the library, or also what the
 * 	documents and the demo site import, or also what the tests of hosts deploy with, or the adapter of Cloudflare Workers
 */

/** @type {Major[]} */
export const majors = [2, 3]

/** What the examples and the demo site import beside the library; the ranges are those of this repository. */
const imported = {
	dependencies: [
		'@nats-io/jetstream',
		'@nats-io/transport-node',
		'devalue',
		'pg',
		'redis',
		'valibot'
	],
	devDependencies: [
		'@fontsource/dm-serif-display',
		'@fontsource/fira-mono',
		'@fontsource/fira-sans',
		'@types/node',
		'@types/pg',
		'msw',
		'shiki',
		'uplot'
	]
}

/**
 * What the app of the hosts' tests is deployed with, beside adapter-node. svelte-adapter-bun asks for TypeScript 5; it and
 * the released adapters of Vercel and Netlify are for SvelteKit 2.
 *
 * @type {Record<Major, Record<string, string>>}
 */
const deployed = {
	2: {
		'@sveltejs/adapter-netlify': '^6.0.4',
		'@sveltejs/adapter-vercel': '^6.3.4',
		'svelte-adapter-bun': '^1.0.1',
		typescript: '^5.9.3'
	},
	3: { express: '^5.3.0' }
}

/** @type {Record<Kind, string[]>} */
const addOns = {
	newcomer: ['sveltekit-adapter=adapter:node'],
	reader: ['sveltekit-adapter=adapter:node', 'vitest=usages:unit,component'],
	host: ['sveltekit-adapter=adapter:node'],
	cloudflare: ['sveltekit-adapter=adapter:cloudflare+cfTarget:workers']
}

/** Where the lock file of each kind lies. @type {Record<Kind, string>} */
const places = {
	newcomer: 'compat',
	reader: 'compat',
	host: 'hosts',
	cloudflare: 'hosts/cloudflare'
}

/**
 * The projects with a lock file. No release of adapter-cloudflare builds with SvelteKit 3.
 *
 * @type {[Major, Kind][]}
 */
const locked = [
	[2, 'reader'],
	[3, 'reader'],
	[2, 'host'],
	[3, 'host'],
	[2, 'cloudflare']
]

/** Installs the newest of what the scaffolder asks for, instead of what the lock files say. */
const newest = Boolean(process.env.NEWEST)
/**
 * By name; one per process, since the newest may be installed again and again.
 *
 * @type {Map<string, Promise<string>>}
 */
const installations = new Map()

/** Variables by which programs and packages are found, beside the PATH. */
const passedOn =
	/^(HOME|USER|LANG|TMPDIR|TEMP|TMP|SystemRoot|ComSpec|PATHEXT|APPDATA|USERPROFILE|NODE_EXTRA_CA_CERTS|npm_config_.*|(https?|no)_proxy)$/i

/**
 * Make a project in a temporary folder, far from the packages of this repository, which must not fill in for
 * missing ones. An installation that was made before is copied.
 *
 * @param {Major} major
 * @param {Kind} kind
 * @returns {Promise<string>} the folder; the caller removes it
 */
export async function makeProject(major, kind) {
	const name = `kit${major}-${kind}`
	const installed = installations.get(name) ?? installOnce(major, kind)
	installations.set(name, installed)
	const from = await installed
	const folder = mkdtempSync(join(tmpdir(), `sveltekit-sse-${name}-`))
	const packages = join(from, 'node_modules')
	const options = { recursive: true, verbatimSymlinks: true }
	cpSync(from, folder, { ...options, filter: (path) => path !== packages })
	linkAll(packages, join(folder, 'node_modules'))
	return folder
}

/**
 * Copy a folder by links to its files, which take a tenth of the time of ten thousand copies. A program that wrote into one
 * of the files would change it for every later run: tools replace files of packages, or add some.
 *
 * @param {string} from
 * @param {string} to
 */
function linkAll(from, to) {
	mkdirSync(to)
	for (const entry of readdirSync(from, { withFileTypes: true })) {
		const [source, target] = [join(from, entry.name), join(to, entry.name)]
		if (entry.isDirectory()) linkAll(source, target)
		else if (entry.isSymbolicLink()) symlinkSync(readlinkSync(source), target)
		else link(source, target)
	}
}

/**
 * @param {string} from
 * @param {string} to
 */
function link(from, to) {
	try {
		linkSync(from, to)
	} catch (error) {
		const { code } = /** @type {NodeJS.ErrnoException} */ (error)
		if (code !== 'EXDEV' && code !== 'EPERM' && code !== 'EMLINK') throw error
		// It lies on another disk, or on one that has no links.
		copyFileSync(from, to)
	}
}

/**
 * The environment of a person's shell, for the programs of a project: no NODE_ENV, no origin, nothing that a test
 * runner has set, and no command of a package that the project does not have.
 *
 * @returns {Promise<NodeJS.ProcessEnv>}
 */
export async function shellEnv() {
	const env = Object.entries(process.env).filter(([name]) => passedOn.test(name))
	const places = (process.env.PATH ?? '').split(delimiter)
	const own = places.filter((place) => !place.endsWith(join('node_modules', '.bin')))
	const path = [dirname(await ensureNode()), ...own].join(delimiter)
	return { ...Object.fromEntries(env), PATH: path }
}

/**
 * @param {Major} major
 * @param {Kind} kind
 */
async function installOnce(major, kind) {
	const tarball = await packLibrary()
	const lock = readLock(major, kind)
	const wanted = JSON.stringify([scaffolder(major), addOns, imported, deployed])
	const make = async (/** @type {string} */ folder) => {
		await install(folder, major, kind, tarball, newest ? undefined : lock)
		if (!newest) holdToLock(major, kind, folder)
	}
	return makeOnce(`kit${major}-${kind}`, [tarball, lock, wanted], make, { always: newest })
}

/**
 * @param {string} folder
 * @param {Major} major
 * @param {Kind} kind
 * @param {string} tarball
 * @param {string} [lock] what the packages are pinned by
 */
async function install(folder, major, kind, tarball, lock) {
	const env = await shellEnv()
	const create = ['create', '--template', 'minimal', '--types', 'ts', '--add', ...addOns[kind]]
	const unasked = ['--no-install', '--no-dir-check', '--no-download-check']
	const args = [join(root, 'node_modules', `sv-kit${major}`, 'dist/bin.mjs'), ...create, ...unasked]
	const options = { cwd: folder, env, quiet: true, timeout: 5 * 60_000 }
	const { code, output } = await run(await ensureNode(), [...args, '.'], options)
	if (code !== 0) throw new Error(`sv create, SvelteKit ${major}, failed.\n${output}`)
	depend(join(folder, 'package.json'), major, kind, tarball)
	if (lock) writeFileSync(join(folder, 'package-lock.json'), lock)
	await installPackages(['install'], { cwd: folder, env })
}

/**
 * Depend on the library, and on what the reader of the documents, or the app of the hosts' tests, has installed.
 *
 * @param {string} file
 * @param {Major} major
 * @param {Kind} kind
 * @param {string} tarball
 */
function depend(file, major, kind, tarball) {
	const own = readPackage()
	const project = JSON.parse(readFileSync(file, 'utf8'))
	project.devDependencies['sveltekit-sse'] = `file:${tarball}`
	if (kind === 'host') {
		const redis = own.devDependencies.redis
		project.devDependencies = { ...project.devDependencies, ...deployed[major], redis }
	}
	if (kind === 'reader') {
		for (const [section, names] of Object.entries(imported)) {
			const ranges = names.map((name) => [name, own.devDependencies[name]])
			project[section] = { ...project[section], ...Object.fromEntries(ranges) }
		}
	}
	writeFileSync(file, JSON.stringify(project, undefined, '\t'))
}

/**
 * The scaffolder that package.json pins for a major version.
 *
 * @param {Major} major
 * @returns {string}
 */
function scaffolder(major) {
	return readPackage().devDependencies[`sv-kit${major}`]
}

function readPackage() {
	return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
}

/**
 * @param {Major} major
 * @param {Kind} kind
 */
function lockFile(major, kind) {
	return join(root, 'tests', places[kind], `kit${major}`, 'package-lock.json')
}

/**
 * @param {Major} major
 * @param {Kind} kind
 */
function readLock(major, kind) {
	return readFileSync(lockFile(major, kind), 'utf8')
}

/**
 * Throw unless everything that was installed is what the lock file says: npm fills in what is missing there.
 *
 * @param {Major} major
 * @param {Kind} kind
 * @param {string} folder
 */
function holdToLock(major, kind, folder) {
	const { packages: pinned } = JSON.parse(readLock(major, kind))
	const { packages } = strip(JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8')))
	const other = Object.entries(packages)
		.filter(([path, { version }]) => pinned[path]?.version !== version)
		.map(([path]) => path)
	if (other.length > 0) {
		throw new Error(
			`${relative(root, lockFile(major, kind))} does not pin ${other.join(', ')}. ` +
				'Run `node scripts/kit.mjs`, which writes it anew.'
		)
	}
}

/**
 * Without the library and the dependency on it, which name a file of this machine.
 *
 * @param {{ packages: Record<string, any> }} lock
 * @returns {{ name: string, packages: Record<string, any> }}
 */
function strip(lock) {
	const { 'node_modules/sveltekit-sse': _, ...packages } = lock.packages
	return { ...lock, name: '', packages: { ...packages, '': {} } }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	const tarball = await packLibrary()
	for (const [major, kind] of locked) {
		await inTemporaryFolder(`kit${major}-${kind}`, async (folder) => {
			await install(folder, major, kind, tarball)
			const lock = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8'))
			mkdirSync(dirname(lockFile(major, kind)), { recursive: true })
			writeFileSync(lockFile(major, kind), `${JSON.stringify(strip(lock), undefined, '\t')}\n`)
		})
	}
}
