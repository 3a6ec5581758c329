/**
 * Lua, so that each step is atomic. `KEYS`: the log, its state (epoch, last sequence, last time), the last batch of
 * this publisher, the signals. `ARGV[1]` is an epoch to use if there is none.
 *
 * Ids in the stream are `<milliseconds>-<sequence>`: the second half counts the entries of this log without a hole,
 * so that whatever trims or loses entries is noticed, and the first half lets Redis trim by age.
 */

/** If the state or the stream is gone (flushed, evicted, a fresh instance), a new log begins, with a new epoch. */
const open = `
local function open()
	local state = redis.call('HMGET', KEYS[2], 'epoch', 'sequence', 'time')
	if state[1] and (state[2] == '0' or redis.call('EXISTS', KEYS[1]) == 1) then
		return state[1], state[2], state[3]
	end
	redis.call('DEL', KEYS[1])
	redis.call('HSET', KEYS[2], 'epoch', ARGV[1], 'sequence', '0', 'time', '0')
	return ARGV[1], '0', '0'
end
local function number(value) return string.format('%.0f', value) end
`

/**
 * `ARGV`: epoch, batch, events to keep or '', age to keep or '', then five for each entry. Returns epoch, first
 * sequence, time; of a batch that is stored already, what was returned then; of an older one nothing. What a publisher
 * has stored last is known for a day: as long as an answer may be waited for.
 */
const append = `${open}
local epoch, sequence, time = open()
local last = redis.call('GET', KEYS[3])
if last then
	local log, batch, first, at = string.match(last, '^(%w+) (%d+) (%d+) (%d+)$')
	if log == epoch then
		if batch == ARGV[2] then return { epoch, first, at } end
		if tonumber(batch) > tonumber(ARGV[2]) then return {} end
	end
end
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
if now < tonumber(time) then now = tonumber(time) end
time = number(now)
local first = number(sequence + 1)
for at = 5, #ARGV, 5 do
	sequence = number(sequence + 1)
	redis.call('XADD', KEYS[1], time .. '-' .. sequence, 'e', epoch, 't', ARGV[at], 'n', ARGV[at + 1],
		'd', ARGV[at + 2], 'x', ARGV[at + 3], 'f', ARGV[at + 4])
end
redis.call('HSET', KEYS[2], 'sequence', sequence, 'time', time)
redis.call('SET', KEYS[3], epoch .. ' ' .. ARGV[2] .. ' ' .. first .. ' ' .. time, 'EX', 86400)
if ARGV[3] ~= '' then redis.call('XTRIM', KEYS[1], 'MAXLEN', '~', ARGV[3]) end
if ARGV[4] ~= '' then redis.call('XTRIM', KEYS[1], 'MINID', '~', number(now - ARGV[4]) .. '-0') end
return { epoch, first, time }`

/**
 * `ARGV`: epoch, sequence and time of a position, most entries to return. Returns epoch, last sequence, its time, id of
 * the oldest entry or '', whether the position's own entry is there, id of the last signal, entries behind the position.
 */
const read = `${open}
local epoch, sequence, time = open()
local oldest = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
local oldestId = oldest and oldest[1] or ''
local id = ARGV[3] .. '-' .. ARGV[2]
local found = #redis.call('XRANGE', KEYS[1], id, id)
local signal = redis.call('XREVRANGE', KEYS[4], '+', '-', 'COUNT', 1)[1]
local entries = {}
if ARGV[4] ~= '0' then
	local from = '(' .. id
	if oldest and tonumber(ARGV[2]) < tonumber(string.match(oldestId, '%d+$')) then from = '-' end
	entries = redis.call('XRANGE', KEYS[1], from, '+', 'COUNT', ARGV[4])
end
return { epoch, sequence, time, oldestId, found, signal and signal[1] or '0-0', entries }`

/** `ARGV`: epoch, id to read backwards from, most entries to return. Returns entries, the newest first. */
const back = `return redis.call('XREVRANGE', KEYS[1], ARGV[2], '-', 'COUNT', ARGV[3])`

/** `ARGV`: epoch, text. Few are kept: who was away does not want to hear the old ones. */
const signal = `return redis.call('XADD', KEYS[4], 'MAXLEN', '~', 256, '*', 's', ARGV[2])`

export const scripts = { append, read, back, signal }
