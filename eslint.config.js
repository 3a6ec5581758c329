import js from '@eslint/js'
import svelte from 'eslint-plugin-svelte'
import { defineConfig } from 'eslint/config'
import globals from 'globals'
import ts from 'typescript-eslint'
import svelteConfig from './svelte.config.js'

const unused = {
	argsIgnorePattern: '^_',
	varsIgnorePattern: '^_',
	destructuredArrayIgnorePattern: '^_',
	ignoreRestSiblings: true
}

export default defineConfig(
	{
		ignores: [
			'.svelte-kit/',
			'build/',
			'coverage/',
			'dist/',
			// Other people's code, kept as they wrote it.
			'tests/types/seed/'
		]
	},
	js.configs.recommended,
	...ts.configs.recommended,
	...svelte.configs.recommended,
	{
		languageOptions: { globals: { ...globals.browser, ...globals.node } },
		rules: {
			// The compiler knows these better.
			'no-undef': 'off',
			// A wire format is made of control characters.
			'no-control-regex': 'off',
			'@typescript-eslint/no-unused-vars': ['error', unused],
			'object-shorthand': 'error',
			'prefer-const': ['error', { ignoreReadBeforeAssign: true }],
			'@typescript-eslint/no-unused-expressions': ['error', { allowShortCircuit: true }],
			eqeqeq: ['error', 'always', { null: 'ignore' }],
			// The demo has no base path, and its links are plain.
			'svelte/no-navigation-without-resolve': 'off'
		}
	},
	{
		files: ['**/*.svelte', '**/*.svelte.ts', '**/*.svelte.js'],
		languageOptions: {
			parserOptions: {
				parser: ts.parser,
				extraFileExtensions: ['.svelte'],
				svelteConfig
			}
		}
	},
	{
		files: ['**/*.svelte'],
		// Props are declared with `let`, together with those that can be bound.
		rules: { 'prefer-const': 'off', 'svelte/prefer-const': 'error' }
	},
	{
		// Surroundings of examples: what they declare is used by the examples that tests put into them.
		files: ['tests/examples/apps/**'],
		rules: { '@typescript-eslint/no-unused-vars': 'off' }
	},
	{
		// With types: a promise that nobody waits for is a rejection that nobody hears.
		files: ['src/lib/**/*.ts'],
		languageOptions: {
			parserOptions: {
				projectService: true,
				tsconfigRootDir: import.meta.dirname,
				extraFileExtensions: ['.svelte']
			}
		},
		rules: {
			'@typescript-eslint/no-floating-promises': 'error',
			'@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: false }],
			'@typescript-eslint/await-thenable': 'error',
			'@typescript-eslint/switch-exhaustiveness-check': [
				'error',
				{ considerDefaultExhaustiveForUnions: true }
			],
			'@typescript-eslint/consistent-type-imports': 'error',
			'no-console': ['error', { allow: ['warn', 'error'] }],
			// What is state is said with a rune; the rest is plain on purpose.
			'svelte/prefer-svelte-reactivity': 'off'
		}
	}
)
