-- Gives a message its number, keeps it, and tells it to the room.
--
-- KEYS  meta, log, nonces of the room
-- ARGV  epoch if the room has none · author/nonce or '' · the sealed message · its channel
--       PUBLISH or SPUBLISH · messages a second, 0 for any number · at once
--       messages kept · bytes kept · how long, in ms · how long the numbering lasts, in ms
--       known epoch · known offset · run of this Redis or ''
-- Answers {'published', epoch, offset} or {'wait', microseconds}.

local meta, log, nonces = KEYS[1], KEYS[2], KEYS[3]
local epoch_if_none, nonce, sealed, channel, publish = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local rate, burst = tonumber(ARGV[6]), tonumber(ARGV[7])
local count, bytes, age, keep = tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11])
local known_epoch, known_offset, run = ARGV[12], tonumber(ARGV[13]), ARGV[14]

-- What a message costs besides its text: as a node counts it in a history of its own.
local ENTRY_BYTES = 256
-- What one publish trims at most, if a setting was lowered: it is soon done, and the next one goes on.
local TRIM_MAX = 256

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]

-- A new life begins where there is none; where somebody knows more than this Redis does, or it has run anew:
-- then it may have lost the newest, and would give the same numbers to other messages. The same in open.lua.
local numbering = redis.call('HMGET', meta, 'epoch', 'offset', 'run')
local epoch = numbering[1]
local is_older = epoch == known_epoch and known_offset > tonumber(numbering[2])
local is_other_run = run ~= '' and numbering[3] ~= run
if not epoch or is_older or is_other_run then
  epoch = epoch_if_none
  redis.call('DEL', log, nonces)
  redis.call('HSET', meta, 'epoch', epoch, 'offset', 0, 'bytes', 0, 'run', run)
end

-- Forgets the oldest messages until the history is within its bounds.
local function trim()
  local length = redis.call('XLEN', log)
  local total = length > 0 and tonumber(redis.call('HGET', meta, 'bytes')) or 0
  for _ = 1, TRIM_MAX do
    local oldest = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
    if not oldest then
      total = 0
      break
    end
    local id, fields = oldest[1], oldest[2]
    local is_old = now - tonumber(fields[2]) >= age * 1000
    if length <= count and total <= bytes and not is_old then break end
    redis.call('XDEL', log, id)
    length = length - 1
    total = total - #fields[4] - #fields[6] - ENTRY_BYTES
    -- A nonce that was used again belongs to the newer message.
    if fields[4] ~= '' and (redis.call('HGET', nonces, fields[4]) or '') .. '-0' == id then
      redis.call('HDEL', nonces, fields[4])
    end
  end
  redis.call('HSET', meta, 'bytes', string.format('%.0f', total))
end

trim()
local first = nonce ~= '' and redis.call('HGET', nonces, nonce)
if first then return { 'published', epoch, first } end

-- The generic cell rate algorithm: `full` is when the bucket is full again. A clock that was set back must
-- not deny anything for longer than a burst lasts.
if rate > 0 then
  local interval = 1000000 / rate
  local tolerance = interval * math.max(burst, 1)
  local full = math.min(tonumber(redis.call('HGET', meta, 'full') or 0), now + tolerance)
  local after = math.max(full, now) + interval
  local wait = after - now - tolerance
  if wait >= 1 then return { 'wait', math.ceil(wait) } end
  redis.call('HSET', meta, 'full', string.format('%.0f', after))
end

local offset = string.format('%.0f', redis.call('HINCRBY', meta, 'offset', 1))
local at = string.format('%.0f', now)
redis.call('XADD', log, offset .. '-0', 'at', at, 'nonce', nonce, 'sealed', sealed)
redis.call('HINCRBY', meta, 'bytes', #nonce + #sealed + ENTRY_BYTES)
if nonce ~= '' then redis.call('HSET', nonces, nonce, offset) end
trim()
redis.call('PEXPIRE', log, age)
redis.call('PEXPIRE', nonces, age)
redis.call('PEXPIRE', meta, keep)
redis.call(publish, channel, epoch .. '.' .. offset .. ' ' .. at .. ' ' .. sealed)
return { 'published', epoch, offset }
