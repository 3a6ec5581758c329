const followers = new Set<(count: number) => void>()

/** Counts someone in for as long as they follow how many others there are. */
export function followVisitors(follower: (count: number) => void): () => void {
	followers.add(follower)
	tell()
	return function leave() {
		followers.delete(follower)
		tell()
	}
}

export function countVisitors(): number {
	return followers.size
}

function tell(): void {
	for (const follower of followers) follower(followers.size)
}
