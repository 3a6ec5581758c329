/** Sizes of pieces in bytes: a list that is gone through again and again, or one by one. */
export type Sizes = readonly number[] | (() => number)

/** What a wire does to the bytes on it. Everything but `silent` concerns server to client only. */
export interface Settings {
	/** Nothing moves, nothing is lost, the server feels the back-pressure. */
	stalled: boolean
	/** Everything is swallowed, both ways, FIN and RST included. */
	silent: boolean
	/** Milliseconds each byte is late. */
	delay: number
	/** Bytes a second. */
	throttle: number
	/** Bytes that have to gather before they move on. */
	hold: number
	/** Sizes of the pieces that bytes are forwarded in; undefined: as they come. */
	split: Sizes | undefined
	/** Milliseconds between the pieces of a split. */
	gap: number
	/** What ends the connection after how many more bytes. */
	ending:
		| {
				/** With a FIN, or with a RST. */
				how: 'cut' | 'reset'
				/** Bytes to the client. */
				after: number
		  }
		| undefined
}

/** A plain wire. */
export const plain: Readonly<Settings> = {
	stalled: false,
	silent: false,
	delay: 0,
	throttle: Infinity,
	hold: 0,
	split: undefined,
	gap: 0,
	ending: undefined
}

/**
 * The faults, as both the proxy and each of its connections offer them. On the proxy they concern
 * all open connections, and the settings stay for the ones to come.
 */
export abstract class FaultControls {
	/** Ends both sides with a FIN now; what was still on its way is lost. */
	abstract cut(): void

	/** Ends both sides with a RST now. */
	abstract reset(): void

	/** Sets several lasting faults at once. */
	abstract configure(change: Partial<Settings>): void

	/** Keeps the connection open and moves nothing to the client until `resume()`. */
	stall(): void {
		this.configure({ stalled: true })
	}

	/** Ends `stall()`: what has waited moves on. */
	resume(): void {
		this.configure({ stalled: false })
	}

	/** The dead network, for good: both ends stay up and neither ever hears of the other again. */
	halfOpen(): void {
		this.configure({ silent: true })
	}

	/** Brings every byte to the client this many milliseconds late. */
	delay(ms: number): void {
		this.configure({ delay: ms })
	}

	/** Lets through at most this many bytes a second. */
	throttle(bytesPerSecond: number): void {
		this.configure({ throttle: bytesPerSecond })
	}

	/**
	 * Holds bytes back as buffering proxies do, until this many have gathered or the server ends its
	 * side. Without a number they stay until `release()`.
	 */
	hold(bytes = Infinity): void {
		this.configure({ hold: bytes })
	}

	/** Lets go what is held, and holds nothing from now on. */
	release(): void {
		this.configure({ hold: 0 })
	}

	/**
	 * Forwards in pieces of these sizes, each written by itself. A client in another process may still
	 * read neighbouring pieces at once, unless a gap in milliseconds keeps them apart.
	 */
	split(sizes: Sizes, gap = 0): void {
		this.configure({ split: sizes, gap })
	}

	/** Cuts once this many more bytes went to the client, response headers included. */
	cutAfter(bytes: number): void {
		this.configure({ ending: { how: 'cut', after: bytes } })
	}

	/** Resets once this many more bytes went to the client, response headers included. */
	resetAfter(bytes: number): void {
		this.configure({ ending: { how: 'reset', after: bytes } })
	}

	/** Takes all lasting faults away; a connection that is half-open stays so. */
	clear(): void {
		this.configure(plain)
	}
}
