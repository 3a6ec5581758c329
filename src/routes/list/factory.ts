export interface Job {
	id: number
	name: string
	state: 'queued' | 'running' | 'passed' | 'failed'
	/** Percent. */
	progress: number
}

const names = ['lint', 'types', 'unit tests', 'browser tests', 'package', 'bundle size', 'docs']

/** Builds that never end: a few jobs at a time, each of which is reported whenever it gets on. */
export class Factory {
	readonly #report: (job: Job) => void
	#jobs: Job[] = []
	#lastId = 0

	constructor(report: (job: Job) => void) {
		this.#report = report
		for (let count = 0; count < 3; count++) this.#queue()
	}

	work(): void {
		if (this.#jobs.length < 4 && Math.random() < 0.4) this.#queue()
		const job = this.#jobs[Math.floor(Math.random() * Math.min(3, this.#jobs.length))]
		if (!job) return
		job.progress = Math.min(100, job.progress + 10 + Math.floor(Math.random() * 30))
		job.state = job.progress < 100 ? 'running' : Math.random() < 0.85 ? 'passed' : 'failed'
		if (job.progress === 100) this.#jobs = this.#jobs.filter((other) => other !== job)
		this.#report(job)
	}

	#queue(): void {
		const id = ++this.#lastId
		const job: Job = { id, name: names[id % names.length]!, state: 'queued', progress: 0 }
		this.#jobs.push(job)
		this.#report(job)
	}
}
