-- Takes members out whose node is lost. The stamp is that of the writing that was seen: a node that has come
-- back has put them in again with another one, and they stay.
--
-- KEYS  members of the room
-- ARGV  node/user, stamp, node/user, stamp ...

for place = 1, #ARGV, 2 do
  if redis.call('HGET', KEYS[1], ARGV[place]) == ARGV[place + 1] then
    redis.call('HDEL', KEYS[1], ARGV[place])
  end
end
return 1
