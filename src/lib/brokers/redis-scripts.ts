/**
 * Lua, so that each step is atomic. `KEYS`: the log, its state (epoch, last sequence, last time), the last batch of
 * each publisher, the signals, when each publisher was there last. `ARGV[1]` is an epoch to use if there is none.
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
	redis.call('DEL', KEYS[1], KEYS[3], KEYS[5])
	redis.call('HSET', KEYS[2], 'epoch', ARGV[1], 'sequence', '0', 'time', '0')
	return ARGV[1], '0', '0'
end
local function number(value) return string.format('%.0f', value) end
`

/**
 * `ARGV`: epoch, publisher, batch, events to keep or '', age to keep or '', then five for each entry. Returns epoch,
 * first sequence, time; of a batch that is stored already, what was returned then; of an older one nothing. A publisher
 * that was not there for a day is forgotten; not by a key of its own that expires, which Redis may drop before that.
 */
const append = `${open}
local epoch, sequence, time = open()
local last = redis.call('HGET', KEYS[3], ARGV[2])
if last then
	local batch, first, at = string.match(last, '^(%d+) (%d+) (%d+)$')
	if batch == ARGV[3] then return { epoch, first, at } end
	if tonumber(batch) > tonumber(ARGV[3]) then return {} end
end
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
if now < tonumber(time) then now = tonumber(time) end
time = number(now)
local first = number(sequence + 1)
for at = 6, #ARGV, 5 do
	sequence = number(sequence + 1)
	redis.call('XADD', KEYS[1], time .. '-' .. sequence, 'e', epoch, 't', ARGV[at], 'n', ARGV[at + 1],
		'd', ARGV[at + 2], 'x', ARGV[at + 3], 'f', ARGV[at + 4])
end
redis.call('HSET', KEYS[2], 'sequence', sequence, 'time', time)
redis.call('HSET', KEYS[3], ARGV[2], ARGV[3] .. ' ' .. first .. ' ' .. time)
redis.call('ZADD', KEYS[5], now, ARGV[2])
local gone = redis.call('ZRANGEBYSCORE', KEYS[5], '-inf', now - 86400000, 'LIMIT', 0, 10)
for _, publisher in ipairs(gone) do
	redis.call('HDEL', KEYS[3], publisher)
	redis.call('ZREM', KEYS[5], publisher)
end
if ARGV[4] ~= '' then redis.call('XTRIM', KEYS[1], 'MAXLEN', '~', ARGV[4]) end
if ARGV[5] ~= '' then redis.call('XTRIM', KEYS[1], 'MINID', '~', number(now - ARGV[5]) .. '-0') end
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
