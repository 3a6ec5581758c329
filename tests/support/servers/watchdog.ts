import { spawn } from 'node:child_process'

// Its standard input ends when the process of the tests does, whatever ended that.
const script = `
read -r _
kill -CONT $0
kill -TERM $0
tries=0
while kill -0 $0 && [ $tries -lt 30 ]; do
	sleep 0.1
	tries=$((tries + 1))
done
kill -KILL $0
[ -z "$1" ] || rm -rf -- "$1"
`

/**
 * Sees to it that a server does not outlive the tests that started it: a run that is killed, or a
 * test that never comes to its clean-up, would leave it behind.
 *
 * @param dir a directory that goes with it. Default: none.
 * @returns a function that calls the watchdog off
 */
export function watchOver(pid: number, dir = ''): () => void {
	const watchdog = spawn('sh', ['-c', script, String(pid), dir], {
		stdio: ['pipe', 'ignore', 'ignore'],
		// Out of the terminal's group: Ctrl-C is for the tests.
		detached: true
	})
	watchdog.unref()
	return () => void watchdog.kill('SIGKILL')
}
