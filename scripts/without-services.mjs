// Debian's packages start their services when they are installed. Tests start servers of their own, and a web server must
// not take port 80 of the machine that it was installed on for them. Debian asks policy-rc.d before it starts a service.

/** In the file that denies services: whoever finds it there without this script, after a kill, may remove it. */
const marker = '# Of the tests of sveltekit-sse, while they install packages. Written by process'

/**
 * Containers have a policy already, which stays as it is. When told to stop, it sends the command SIGHUP, which ends an apt
 * that downloads and not one whose dpkg is at work, and waits for its end: services that came later would start.
 */
const script = `
policy=$1
marker=$2
shift 2
if [ ! -e "$policy" ] || grep -q "^$marker" "$policy"; then
	trap 'if grep -q "^$marker $$\\$" "$policy"; then rm -f "$policy"; fi' EXIT
	printf '#!/bin/sh\\n%s %s\\nexit 101\\n' "$marker" "$$" > "$policy"
	chmod 755 "$policy"
fi
stop() {
	kill -HUP "$child"
	while kill -0 "$child" 2> /dev/null; do wait "$child"; done
	exit 143
}
trap stop HUP INT TERM
"$@" &
child=$!
wait "$child"
`

/**
 * The command line that runs another one, and lets no service start meanwhile. It must not be killed: with SIGTERM it stops
 * the command.
 *
 * @param {string[]} line
 * @param {string} [policy] the file that Debian runs before it starts a service: with status 101 it says no
 * @returns {string[]}
 */
export function withoutServices(line, policy = '/usr/sbin/policy-rc.d') {
	return ['sh', '-c', script, 'sh', policy, marker, ...line]
}
