-- Renews the lease of a node, and tells which nodes have one. They are found by name, so no keys are scanned;
-- all of them are on one server of a cluster.
--
-- KEYS  lease of this node, set of nodes
-- ARGV  node · its generation · how long the lease lasts, in ms · what the names of leases begin with
-- Answers {1 if the lease had lapsed, {node, generation, ...}}.

local lease, nodes = KEYS[1], KEYS[2]
local node, generation, lasts, prefix = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

local before = redis.call('GET', lease)
if before == generation then
  -- This needs no memory: a full Redis takes nobody's lease away.
  redis.call('PEXPIRE', lease, lasts)
else
  redis.call('SET', lease, generation, 'PX', lasts)
end
if redis.call('SISMEMBER', nodes, node) == 0 then redis.call('SADD', nodes, node) end

local alive = {}
for _, other in ipairs(redis.call('SMEMBERS', nodes)) do
  local its_generation = redis.call('GET', prefix .. other)
  if its_generation then
    alive[#alive + 1] = other
    alive[#alive + 1] = its_generation
  else
    redis.call('SREM', nodes, other)
  end
end
return { before and 0 or 1, alive }
