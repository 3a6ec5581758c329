/**
 * What the compiler says first in each file once `departure` is called `leaving` in `feed.ts`, and nowhere else. A
 * test asks it whether this is still true.
 */
export const renamed = {
	from: 'departure',
	to: 'leaving',
	errors: [
		{
			file: '+page.svelte',
			message: `Argument of type '"departure"' is not assignable to parameter of type '"leaving" | "platforms"'.`
		},
		{
			file: 'events/+server.ts',
			message: `Argument of type '"departure"' is not assignable to parameter of type '"leaving" | "platforms"'.`
		}
	]
}
