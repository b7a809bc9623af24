-- Renews the lease of a node, and tells which nodes have one. They are found by name, so no keys are scanned;
-- all of them are on one server of a cluster.
--
-- KEYS  lease of this node, set of nodes
-- ARGV  node · how long the lease lasts, in ms · what the names of leases begin with
-- Answers {1 if the lease had lapsed, {node, ...}}.

local lease, nodes = KEYS[1], KEYS[2]
local node, lasts, prefix = ARGV[1], ARGV[2], ARGV[3]

local had_lapsed = 0
-- To lengthen a lease needs no memory: a full Redis takes nobody's away.
if redis.call('PEXPIRE', lease, lasts) == 0 then
  had_lapsed = 1
  redis.call('SET', lease, '', 'PX', lasts)
end
if redis.call('SISMEMBER', nodes, node) == 0 then redis.call('SADD', nodes, node) end

local alive = {}
for _, other in ipairs(redis.call('SMEMBERS', nodes)) do
  if redis.call('EXISTS', prefix .. other) == 1 then
    alive[#alive + 1] = other
  else
    redis.call('SREM', nodes, other)
  end
end
return { had_lapsed, alive }
