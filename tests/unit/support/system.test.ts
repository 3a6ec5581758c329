import { mkdtempDisposableSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { locate, mayInstall } from '../../../scripts/system.mjs'

// A test command that runs apt-get on somebody's own machine does what nobody asked for.
test.for<[string, NodeJS.ProcessEnv, boolean, boolean, boolean]>([
	['a person’s machine', {}, false, false, false],
	['a person’s machine, as root', {}, true, false, false],
	['a person’s container', {}, false, true, false],
	['root in a container', {}, true, true, true],
	['a machine of CI', { CI: 'true' }, false, false, true],
	['a machine that says it is none of CI', { CI: 'false' }, false, false, false],
	['a person’s machine with --install', { INSTALL_PROGRAMS: '1' }, false, false, true]
])(
	'tests on %s install programs only where that is meant',
	([, env, root, container, expected]) => {
		expect(mayInstall(env, root, container)).toBe(expected)
	}
)

// Found without it, the server would be taken for installed, and each test of what the module does would fail.
test('a program counts as missing while a module that the tests need is missing', () => {
	using folder = mkdtempDisposableSync(join(tmpdir(), 'sveltekit-sse-system-'))
	const file = join(folder.path, 'some-server')
	const module = join(folder.path, 'module.so')
	writeFileSync(file, '')
	const program = { names: ['some-server'], folders: [folder.path] }
	expect(locate(program)).toEqual([file])
	expect(locate({ ...program, modules: [module] })).toEqual([])
	writeFileSync(module, '')
	expect(locate({ ...program, modules: [join(folder.path, 'mod*', 'x'), module] })).toEqual([file])
})
