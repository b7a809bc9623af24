-- Takes a user out of a room, and tells the room.
--
-- KEYS  members of the room
-- ARGV  node/user · channel · PUBLISH or SPUBLISH · the sealed word

redis.call('HDEL', KEYS[1], ARGV[1])
redis.call(ARGV[3], ARGV[2], ARGV[4])
return 1
