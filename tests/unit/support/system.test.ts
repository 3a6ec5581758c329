import { expect, test } from 'vitest'
import { mayInstall } from '../../../scripts/system.mjs'

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
