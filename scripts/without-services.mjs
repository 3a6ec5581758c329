// Debian's packages start their services when they are installed. Tests start servers of their own, and a web server must
// not take port 80 of the machine that it was installed on for them. Debian asks policy-rc.d before it starts a service.

/** Containers have one already, which stays as it is. */
const script = `
policy=$1
shift
if [ ! -e "$policy" ]; then
	trap 'rm -f "$policy"' EXIT
	printf '#!/bin/sh\\nexit 101\\n' > "$policy"
	chmod 755 "$policy"
fi
trap 'kill "$child"; exit 143' HUP INT TERM
"$@" &
child=$!
wait "$child"
`

/**
 * The command line that runs another one, and lets no service start meanwhile.
 *
 * @param {string[]} line
 * @param {string} [policy] the file that Debian runs before it starts a service: with status 101 it says no
 * @returns {string[]}
 */
export function withoutServices(line, policy = '/usr/sbin/policy-rc.d') {
	return ['sh', '-c', script, 'sh', policy, ...line]
}
