-- Puts a user into a room, and tells the room.
--
-- KEYS  members of the room
-- ARGV  node/user · stamp of this writing · how long the members last, in ms · channel · PUBLISH or SPUBLISH
--       the sealed word

redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call(ARGV[5], ARGV[4], ARGV[6])
return 1
