/** @param {number[]} values */
export function median(values) {
	return quantile(values, 0.5)
}

/** @param {number[]} values @param {number} share between 0 and 1 */
export function quantile(values, share) {
	const sorted = [...values].sort((one, other) => one - other)
	if (sorted.length === 0) return NaN
	const at = (sorted.length - 1) * share
	const below = sorted[Math.floor(at)] ?? NaN
	const above = sorted[Math.ceil(at)] ?? NaN
	return below + (above - below) * (at % 1)
}

/** How far the middle half of the values is spread, as a share of their median. @param {number[]} values */
export function spread(values) {
	return (quantile(values, 0.75) - quantile(values, 0.25)) / median(values)
}
