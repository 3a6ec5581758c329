/**
 * The version of the tables and functions that `migration()` makes; the comment on the table holds it, and so do the
 * names of the functions.
 */
export const schemaVersion = 2

/** The comment on a table of this version. */
export const versionComment = `sveltekit-sse ${schemaVersion}`

/** Regular expression of the comment of any version, for JavaScript and for PostgreSQL. */
export const versionPattern = '^sveltekit-sse ([0-9]{1,6})$'

/** The version that the comment on a table tells; 0 for a table without one, such as that of the first version. */
export function versionOf(comment: unknown): number {
	return Number(new RegExp(versionPattern).exec(String(comment))?.[1] ?? 0)
}
