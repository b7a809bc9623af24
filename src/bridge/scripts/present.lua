-- Puts the users of a node into a room, and no others of that node, and tells the room.
--
-- KEYS  members of the room
-- ARGV  node · stamp of this writing · how long the members last, in ms · channel · PUBLISH or SPUBLISH
--       how many sealed words follow, and these · the users

local members = KEYS[1]
local node, stamp, keep, channel, publish = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5]
local words = tonumber(ARGV[6])

for place = 7 + words, #ARGV do
  redis.call('HSET', members, node .. '/' .. ARGV[place], stamp)
end
local has_changed = #ARGV > 6 + words
local all = redis.call('HGETALL', members)
for place = 1, #all, 2 do
  local field = all[place]
  if field:sub(1, #node + 1) == node .. '/' and all[place + 1] ~= stamp then
    redis.call('HDEL', members, field)
    has_changed = true
  end
end
redis.call('PEXPIRE', members, keep)
if has_changed then
  for place = 7, 6 + words do
    redis.call(publish, channel, ARGV[place])
  end
end
return 1
