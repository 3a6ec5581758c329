export const rooms = ['lobby', 'kitchen', 'garden'] as const
export type Room = (typeof rooms)[number]

export interface Said {
	/** Tells one message from all others. */
	key: string
	name: string
	text: string
	at: number
}

export function isRoom(value: unknown): value is Room {
	return rooms.includes(value as Room)
}
