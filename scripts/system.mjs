// Programs that tests use and npm does not bring: found where they are, else installed where that was
// asked for, else named with the command that installs them.

import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { acquire } from './lock.mjs'
import { run } from './process.mjs'
import { withoutServices } from './without-services.mjs'

/**
 * @typedef {object} Program
 * @property {string[]} names the names it goes by
 * @property {string[]} [folders] folders beside the PATH to look in; a `*` stands for one path segment, newest first
 * @property {string[]} [modules] where a module of it may lie that has a package of its own: without it the program
 * counts as missing
 * @property {string} package the Debian package that brings all of it
 */

/** Where servers lie; a user's PATH often leaves these folders out. */
const serverFolders = ['/usr/sbin', '/usr/local/sbin']

/** @satisfies {Record<string, Program>} */
const programs = {
	'redis-server': { names: ['redis-server', 'valkey-server'], package: 'redis-server' },
	'nats-server': { names: ['nats-server'], package: 'nats-server' },
	postgres: {
		names: ['postgres'],
		folders: ['/usr/lib/postgresql/*/bin', '/usr/pgsql-*/bin', '/opt/homebrew/opt/postgresql*/bin'],
		package: 'postgresql'
	},
	initdb: {
		names: ['initdb'],
		folders: ['/usr/lib/postgresql/*/bin', '/usr/pgsql-*/bin', '/opt/homebrew/opt/postgresql*/bin'],
		package: 'postgresql'
	},
	nginx: { names: ['nginx'], folders: serverFolders, package: 'nginx' },
	haproxy: { names: ['haproxy'], folders: serverFolders, package: 'haproxy' },
	varnishd: { names: ['varnishd'], folders: serverFolders, package: 'varnish' },
	lighttpd: {
		names: ['lighttpd'],
		folders: serverFolders,
		modules: ['/usr', '/usr/local', '/opt/homebrew'].map(
			(place) => `${place}/lib*/lighttpd/mod_deflate.so`
		),
		package: 'lighttpd-mod-deflate'
	},
	// The server and its modules, without a service.
	apache2: { names: ['apache2'], folders: serverFolders, package: 'apache2-bin' },
	caddy: { names: ['caddy'], package: 'caddy' },
	h2o: { names: ['h2o'], package: 'h2o' },
	openssl: { names: ['openssl'], package: 'openssl' },
	// Takes half the processor time of a whole Chromium.
	'chromium-headless-shell': {
		names: ['chromium-headless-shell', 'chrome-headless-shell'],
		package: 'chromium-headless-shell'
	},
	chromium: {
		names: [
			'chromium',
			'chromium-browser',
			'google-chrome-stable',
			'google-chrome',
			'chrome',
			'microsoft-edge-stable'
		],
		folders: [
			'/opt/google/chrome',
			'/Applications/Google Chrome.app/Contents/MacOS',
			'/Applications/Chromium.app/Contents/MacOS'
		],
		package: 'chromium'
	},
	firefox: { names: ['firefox-esr', 'firefox'], package: 'firefox-esr' },
	WebKitWebDriver: { names: ['WebKitWebDriver'], package: 'webkit2gtk-driver' },
	Xvfb: { names: ['Xvfb'], package: 'xvfb' }
}

/** @typedef {keyof typeof programs} ProgramName */

const lock = join(tmpdir(), 'sveltekit-sse-apt.lock')
/** What could not be installed, and when: one failed attempt is enough for a while. */
const failures = join(tmpdir(), 'sveltekit-sse-apt.json')
const patience = 15 * 60_000

/** @type {Map<string, Promise<{ path?: string, reason?: string }>>} */
const known = new Map()

/**
 * Find a program, or install it. Quick when it is there; safe to call from many processes at a time.
 *
 * @param {ProgramName} name
 * @param {(path: string) => boolean | Promise<boolean>} [works] whether a file of that name is the
 * program; by default every one is
 * @returns {Promise<{ path?: string, reason?: string }>} the path of the executable, or the reason why
 * there is none, with the line that would install it
 * @example
 * const redis = await ensure('redis-server')
 * describe.skipIf(redis.reason)('redis', { meta: { skipped: redis.reason } }, () => { … })
 */
export function ensure(name, works = () => true) {
	let result = known.get(name)
	if (!result) known.set(name, (result = lookUp(name, works)))
	return result
}

/**
 * @param {ProgramName} name
 * @param {(path: string) => boolean | Promise<boolean>} works
 */
async function lookUp(name, works) {
	const path = await firstOf(findAll(name), works)
	if (path) return { path }
	const reason = await install(programs[name].package)
	const installed = await firstOf(findAll(name), works)
	if (installed) return { path: installed }
	const what = 'modules' in programs[name] ? `${name}, or a module that the tests need,` : name
	return { reason: `${what} is not on this machine (${reason})` }
}

/**
 * @param {string[]} paths
 * @param {(path: string) => boolean | Promise<boolean>} works
 */
async function firstOf(paths, works) {
	for (const path of paths) if (await works(path)) return path
	return undefined
}

/**
 * Every place where a program is, the PATH first.
 *
 * @param {ProgramName} name
 * @returns {string[]}
 */
export function findAll(name) {
	return locate(programs[name])
}

/**
 * @param {Omit<Program, 'package'>} program
 * @returns {string[]}
 */
export function locate({ names, folders = [], modules }) {
	if (modules && !modules.flatMap(expand).some(existsSync)) return []
	const places = [...(process.env.PATH ?? '').split(delimiter), ...folders.flatMap(expand)]
	const ending = process.platform === 'win32' ? '.exe' : ''
	return names
		.flatMap((file) => places.map((place) => join(place, file + ending)))
		.filter((path) => existsSync(path))
}

/**
 * @param {string} pattern
 * @returns {string[]}
 */
function expand(pattern) {
	const segments = pattern.split('/')
	const star = segments.findIndex((segment) => segment.includes('*'))
	if (star === -1) return [pattern]
	const parent = segments.slice(0, star).join('/')
	const [before = '', after = ''] = (segments[star] ?? '').split('*')
	if (!existsSync(parent)) return []
	return readdirSync(parent)
		.filter((name) => name.startsWith(before) && name.endsWith(after))
		.sort((one, other) => other.localeCompare(one, 'en', { numeric: true }))
		.map((name) => [parent, name, ...segments.slice(star + 1)].join('/'))
}

/**
 * Whether programs of the system may be installed without a question: on a machine that is there for tests, or when the
 * person who runs them asks for it. `--install` sets the variable, so that test workers know of it too.
 *
 * @param {NodeJS.ProcessEnv} env
 * @param {boolean} root whether this process runs as root
 * @param {boolean} container whether it runs in a container
 */
export function mayInstall(env, root, container) {
	const isSet = (/** @type {string | undefined} */ value) => !!value && !/^(0|false)$/i.test(value)
	return isSet(env.INSTALL_PROGRAMS) || isSet(env.CI) || (root && container)
}

/** Whether this process may install programs: then one that cannot be installed is a fault, and else a reason to skip. */
export function mayInstallHere() {
	return mayInstall(process.env, process.getuid?.() === 0, isInContainer())
}

/** Whether this process runs in a container: what Docker, Podman, systemd or Kubernetes leave behind there says so. */
function isInContainer() {
	const traces = ['/.dockerenv', '/run/.containerenv', '/run/systemd/container']
	return traces.some(existsSync) || !!process.env.KUBERNETES_SERVICE_HOST || !!process.env.container
}

/**
 * Install a Debian package, where that may be.
 *
 * @param {string} name
 * @returns {Promise<string>} why it may still not be there
 */
async function install(name) {
	const root = process.getuid?.() === 0
	const line = `${root ? '' : 'sudo '}apt-get install -y --no-install-recommends ${name}`
	if ((await run('apt-get', ['--version'], { quiet: true })).code !== 0) {
		return `there is no apt-get here; the Debian package is ${name}`
	}
	if (!mayInstallHere()) {
		return `to install it: ${line}, or add --install to the test command`
	}
	const advice = `to install it: ${line}`
	if (!root && (await run('sudo', ['-n', 'true'], { quiet: true })).code !== 0) return advice

	const release = await acquire(lock)
	try {
		if (Date.now() - (readFailures()[name] ?? 0) < patience) return advice
		console.error(`Installing ${name} (apt-get) …`)
		const apt = (/** @type {string[]} */ ...args) => runApt(args, root)
		const packageArgs = ['install', '-y', '--no-install-recommends', name]
		// The lists may be missing, or older than what the archive still has.
		let { code, output } = await apt(...packageArgs)
		if (code !== 0) {
			await apt('update')
			;({ code, output } = await apt(...packageArgs))
		}
		if (code === 0) return `${name} is installed`
		writeFileSync(failures, JSON.stringify({ ...readFailures(), [name]: Date.now() }))
		const last = output.trim().split('\n').at(-1)
		return `apt-get could not install ${name}: ${last}; ${advice}`
	} finally {
		release()
	}
}

/**
 * @param {string[]} args
 * @param {boolean} root whether this process may do it by itself
 */
async function runApt(args, root) {
	const settings = ['DPkg::Lock::Timeout=120', 'Acquire::Retries=2'].flatMap((set) => ['-o', set])
	const variables = ['LC_ALL=C', 'DEBIAN_FRONTEND=noninteractive']
	const line = withoutServices(['env', ...variables, 'apt-get', ...settings, ...args])
	const [file, ...rest] = root ? line : ['sudo', '-n', ...line]
	const deadline = Date.now() + 2 * 60_000
	for (;;) {
		const result = await run(/** @type {string} */ (file), rest, {
			quiet: true,
			timeout: 8 * 60_000,
			// Killed, it would leave services denied.
			force: false
		})
		// A new machine sees to its updates: apt waits for the lock of dpkg, and not for those of its lists.
		const isLocked = result.code !== 0 && result.output.includes('Could not get lock')
		if (!isLocked || Date.now() > deadline) return result
		await new Promise((resolve) => setTimeout(resolve, 2_000))
	}
}

/** @returns {Record<string, number>} */
function readFailures() {
	try {
		return JSON.parse(readFileSync(failures, 'utf8'))
	} catch {
		return {}
	}
}
