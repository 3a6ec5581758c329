import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Makes an empty directory for one server. */
export function temporaryDirectory(name: string): Promise<string> {
	return mkdtemp(join(tmpdir(), `${name}-`))
}
