// What has to be there before anything else can run: the packages of the lock file, and a Node that
// the tool chain accepts. A machine may bring an older one; the `node` package then steps in.

import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { acquire } from './lock.mjs'
import { fail, run } from './process.mjs'

export const root = fileURLToPath(new URL('..', import.meta.url))

const modules = join(root, 'node_modules')
const windows = process.platform === 'win32'
/** Not among the packages, which an installation deletes. */
const lock = join(
	tmpdir(),
	`sveltekit-sse-install-${createHash('sha1').update(root).digest('hex').slice(0, 8)}.lock`
)

/** The oldest Node that Vite and Vitest run on. */
const oldest = '22.12'

/** Install what the lock file asks for, if it is not there yet. */
export async function ensureInstalled() {
	if (!isStale()) return
	// Two commands that are given at once would each delete what the other installs.
	const release = await acquire(lock)
	try {
		if (isStale()) await installAll()
	} finally {
		release()
	}
}

async function installAll() {
	// `npm ci` begins by deleting everything, which only a missing folder makes worth its time.
	const clean = !existsSync(join(modules, '.package-lock.json'))
	const command = clean ? ['ci'] : ['install', '--no-save']
	console.log(`Installing packages (npm ${command.join(' ')}) …`)
	await install(command)
	// npm leaves out the compiled parts of packages that this Node is too old for. The newer one, which
	// is here now, brings them.
	if (!isRecentVersion(process.versions.node)) await install(['install', '--no-save'])
}

/** @param {string[]} command */
async function install(command) {
	const old = !isRecentVersion(process.versions.node)
	const node = old && existsSync(join(modules, 'node')) ? await ensureNode() : process.execPath
	// Packages warn of an old Node; the one they are for comes with them.
	const args = [...command, '--fetch-retries=5', '--no-fund', '--no-audit', '--loglevel=error']
	const { code } = await npm(args, { env: withFirst(node) }, node)
	if (code !== 0) fail('npm could not install. Look above for the reason, then try again.')
}

/**
 * Whether node_modules differs from package-lock.json. npm writes down what it installed at the end of
 * every install, so an interrupted one counts as stale too.
 */
function isStale() {
	const wanted = readPackages(join(root, 'package-lock.json'))
	const present = readPackages(join(modules, '.package-lock.json'))
	if (!wanted || !present) return true
	return Object.entries(wanted).some(([path, { version, optional, link, ...limits }]) => {
		if (path === '' || link) return false
		if (!present[path]) return !optional || (limits.os && fits(limits))
		return present[path].version !== version
	})
}

/**
 * Whether an optional package is for this platform.
 *
 * @param {{ os?: string[], cpu?: string[], libc?: string[] }} limits
 */
function fits({ os, cpu, libc }) {
	const { header } = /** @type {{ header: { glibcVersionRuntime?: string } }} */ (
		process.report.getReport()
	)
	const own = header.glibcVersionRuntime ? 'glibc' : 'musl'
	return (
		(!os || os.includes(process.platform)) &&
		(!cpu || cpu.includes(process.arch)) &&
		(!libc || process.platform !== 'linux' || libc.includes(own))
	)
}

/** @param {string} file */
function readPackages(file) {
	try {
		return JSON.parse(readFileSync(file, 'utf8')).packages
	} catch {
		return undefined
	}
}

/**
 * Run npm: the one that runs this script if there is one, else the one on the PATH.
 *
 * @param {string[]} args
 * @param {Parameters<typeof run>[2]} [options]
 * @param {string} [node] what runs it
 */
export function npm(args, options, node = process.execPath) {
	const cli = process.env.npm_execpath
	const given = { cwd: root, env: ownEnv(), ...options }
	return cli && /npm-cli\.c?js$/.test(cli)
		? run(node, [cli, ...args], given)
		: run('npm', args, given)
}

/** @type {Promise<string> | undefined} */
let found

/** The path of a Node that runs the tool chain. Call it after `ensureInstalled`. */
export function ensureNode() {
	return (found ??= findNode())
}

async function findNode() {
	const own = join(modules, 'node', 'bin', windows ? 'node.exe' : 'node')
	if (await isRecent(own)) return own
	if (isRecentVersion(process.versions.node)) return process.execPath

	// npm did not run the install script of the `node` package: some versions ask for an approval
	// first, and `ignore-scripts` forbids it altogether.
	console.log('Fetching a newer Node …')
	const folder = join(modules, 'node')
	await run(process.execPath, ['installArchSpecificPackage.js'], { cwd: folder, quiet: true })
	if (await isRecent(own)) return own
	return fail(
		`This project is built with Node ${oldest} or newer; this is Node ${process.versions.node}, ` +
			'and a newer one could not be fetched from npm.\nInstall one from https://nodejs.org and run ' +
			'this command again.'
	)
}

/** @param {string} file */
async function isRecent(file) {
	if (!existsSync(file)) return false
	const { code, output } = await run(file, ['--version'], { quiet: true })
	return code === 0 && isRecentVersion(output.trim().slice(1))
}

/** @param {string} version */
function isRecentVersion(version) {
	return version.localeCompare(oldest, 'en', { numeric: true }) >= 0
}

/**
 * The environment for programs of the tool chain: that Node and the installed commands come first, and what one process has
 * compiled the next need not.
 *
 * @param {NodeJS.ProcessEnv} [extra]
 * @returns {Promise<NodeJS.ProcessEnv>}
 */
export async function toolEnv(extra = {}) {
	const NODE_COMPILE_CACHE = join(modules, '.cache', 'compiled')
	return { NODE_COMPILE_CACHE, ...withFirst(await ensureNode()), ...extra }
}

/** @param {string} node */
function withFirst(node) {
	const path = [join(node, '..'), join(modules, '.bin'), process.env.PATH].join(delimiter)
	return { ...ownEnv(), PATH: path }
}

/**
 * What Vitest sets for its tests: programs that a test starts would take themselves to be tested, and build for
 * development.
 */
const vitestsOwn = /^(VITEST.*|TEST|NODE_ENV|MODE|DEV|PROD|SSR|BASE_URL)$/

/** The environment, as it is without Vitest. */
function ownEnv() {
	if (!process.env.VITEST) return process.env
	const env = Object.entries(process.env).filter(([name]) => !vitestsOwn.test(name))
	return Object.fromEntries(env)
}

/**
 * Run the command of an installed package.
 *
 * @param {string} bin path of its script under node_modules
 * @param {string[]} args
 * @param {Parameters<typeof run>[2]} [options]
 */
export async function tool(bin, args, options = {}) {
	const env = await toolEnv(options.env)
	return run(await ensureNode(), [join(modules, bin), ...args], { cwd: root, ...options, env })
}
