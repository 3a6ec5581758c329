import { expect, test } from 'vitest'
import { npm, toolEnv } from '../../../scripts/install.mjs'
import { shellEnv } from '../../../scripts/kit.mjs'

// Vite builds for development where NODE_ENV is `test`, which tests of the built site would then test.
test('programs that a test starts hear nothing of Vitest', async () => {
	const print = `console.log('names=' + Object.keys(process.env))`
	const { output } = await npm(['exec', '-c', `node -e "${print}"`], { quiet: true })
	const names = /names=(.*)/.exec(output)?.[1]?.split(',')
	expect(names).toContain('PATH')
	const own = /^(VITEST.*|TEST|NODE_ENV|MODE|DEV|PROD|SSR|BASE_URL)$/
	const heard = [names ?? [], Object.keys(await toolEnv()), Object.keys(await shellEnv())]
	expect(heard.map((names) => names.filter((name) => own.test(name)))).toEqual([[], [], []])
	expect(process.env.VITEST).toBe('true')
})
