-- Reads a room: its numbering, what is kept behind a position, and who is in it.
--
-- KEYS  meta, log, nonces, members of the room
-- ARGV  epoch if the room has none · known epoch · known offset · messages kept for, in ms
--       how long the numbering lasts, in ms · bytes of messages in one answer · run of this Redis or ''
--       'enter', 'look' (nothing is made) or 'messages' (no members are read)
-- Answers {epoch, offset, {{offset, at, age in microseconds, sealed}, ...}, 1 if there are more, members with
-- the last of them}. A clock that was set back makes a message new, and not of the future.

local meta, log, nonces, members = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local epoch_if_none, known_epoch, known_offset = ARGV[1], ARGV[2], tonumber(ARGV[3])
local age, keep, page = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local run, purpose = ARGV[7], ARGV[8]

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]

local function members_for_all_but_messages()
  return purpose ~= 'messages' and redis.call('HGETALL', members) or {}
end

-- A new life begins where there is none; where somebody knows more than this Redis does, or it has run anew:
-- then it may have lost the newest, and would give the same numbers to other messages. The same in publish.lua.
local numbering = redis.call('HMGET', meta, 'epoch', 'offset', 'run')
local epoch, offset = numbering[1], tonumber(numbering[2] or 0)
local is_older = epoch == known_epoch and known_offset > offset
local is_other_run = run ~= '' and numbering[3] ~= run
if not epoch and purpose == 'look' then
  return { '00000000', '0', {}, 0, members_for_all_but_messages() }
end
if not epoch or is_older or is_other_run then
  epoch, offset = epoch_if_none, 0
  redis.call('DEL', log, nonces)
  redis.call('HSET', meta, 'epoch', epoch, 'offset', 0, 'bytes', 0, 'run', run)
end
redis.call('PEXPIRE', meta, keep)
redis.call('PEXPIRE', members, keep)

local entries, bytes, has_more = {}, 0, 0
local next_offset = (epoch == known_epoch and known_offset or 0) + 1
repeat
  local rows = redis.call('XRANGE', log, string.format('%.0f-0', next_offset), '+', 'COUNT', 16)
  for _, row in ipairs(rows) do
    local number, at, sealed = tonumber(row[1]:match('^%d+')), tonumber(row[2][2]), row[2][6]
    next_offset = number + 1
    if now - at < age * 1000 then
      bytes = bytes + #sealed
      if #entries > 0 and bytes > page then
        has_more = 1
        break
      end
      entries[#entries + 1] =
        { string.format('%.0f', number), row[2][2], string.format('%.0f', math.max(now - at, 0)), sealed }
    end
  end
until #rows < 16 or has_more == 1

local all = has_more == 0 and members_for_all_but_messages() or {}
return { epoch, string.format('%.0f', offset), entries, has_more, all }
