import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Writable } from 'node:stream'
import { afterAll, expect, test } from 'vitest'
import { withoutServices } from '../../../scripts/without-services.mjs'
import { temporaryDirectory } from '../../support/servers/temporary.js'

const folder = await temporaryDirectory('policy')
afterAll(() => rmSync(folder, { recursive: true }))

const at = (name: string) => join(folder, name)

/** Asks as Debian does before it starts a service, and ends as a command that fails. */
const ask = (policy: string) => ['sh', '-c', '"$0"; echo "policy: $?"; exit 7', policy]

test('services are denied while the command runs, whose exit code is kept', () => {
	const policy = at('new')
	const [file, ...args] = withoutServices(ask(policy), policy)
	const { status, stdout } = spawnSync(file!, args, { encoding: 'utf8' })
	expect({ status, stdout }).toEqual({ status: 7, stdout: 'policy: 101\n' })
	expect(existsSync(policy)).toBe(false)
})

test('a machine that has a policy keeps it', () => {
	const policy = at('own')
	const own = '#!/bin/sh\nexit 104\n'
	writeFileSync(policy, own, { mode: 0o755 })
	const [file, ...args] = withoutServices(ask(policy), policy)
	expect(spawnSync(file!, args, { encoding: 'utf8' }).stdout).toBe('policy: 104\n')
	expect(readFileSync(policy, 'utf8')).toBe(own)
})

test('a command that is stopped leaves no policy behind', async () => {
	const policy = at('stopped')
	const [file, ...args] = withoutServices(['sh', '-c', 'echo runs; exec sleep 60'], policy)
	const child = spawn(file!, args, { stdio: ['ignore', 'pipe', 'inherit'] })
	await once(child.stdout, 'data')
	child.kill('SIGTERM')
	// The output ends when the command has ended too.
	expect(await once(child, 'close')).toEqual([143, null])
	expect(existsSync(policy)).toBe(false)
})

test('a command that is stopped and goes on for a while finds services denied to its end', async () => {
	const policy = at('slow')
	// As apt does whose dpkg is at work, it does not take the signal; it ends when its input does.
	const slow = `trap '' HUP; echo runs; read -r _; sh ${policy}; echo "policy: $?"`
	const [file, ...args] = withoutServices(['sh', '-c', `exec <&3; ${slow}`], policy)
	const child = spawn(file!, args, { stdio: ['ignore', 'pipe', 'inherit', 'pipe'] })
	let output = ''
	child.stdout!.on('data', (data) => (output += data))
	await once(child.stdout!, 'data')
	child.kill('SIGTERM')
	// A second one, as from a person who has no patience.
	child.kill('SIGINT')
	;(child.stdio[3] as Writable).end()
	expect(await once(child, 'close')).toEqual([143, null])
	expect(output).toBe('runs\npolicy: 101\n')
	expect(existsSync(policy)).toBe(false)
})

test('the next run removes what a killed one left behind', async () => {
	const policy = at('killed')
	const [file, ...args] = withoutServices(['sh', '-c', 'echo runs; exec cat <&3'], policy)
	const child = spawn(file!, args, { stdio: ['ignore', 'pipe', 'inherit', 'pipe'] })
	await once(child.stdout!, 'data')
	child.kill('SIGKILL')
	await once(child, 'exit')
	;(child.stdio[3] as Writable).end()
	expect(existsSync(policy)).toBe(true)

	const [again, ...line] = withoutServices(ask(policy), policy)
	expect(spawnSync(again!, line, { encoding: 'utf8' }).stdout).toBe('policy: 101\n')
	expect(existsSync(policy)).toBe(false)
})
