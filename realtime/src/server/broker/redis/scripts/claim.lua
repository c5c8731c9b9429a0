-- A run is taken for dead, for good, if its counter still is where it was seen.
--
-- ARGV[1] the run. ARGV[2] its counter, or nothing where it was seen to have no record.
-- ARGV[3] how long the dead are remembered, in ms.
-- Result: 1 where it is dead now, 0 where it has moved.

local record = redis.call('HGET', KEYS[1], run)
if record and string.match(record, '^(%d+)\t') ~= ARGV[2] then
  return 0
end
redis.call('HDEL', KEYS[1], run)
local at = now()
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', tonumber(at) - tonumber(ARGV[3]))
redis.call('ZADD', KEYS[2], at, run)
redis.call('SADD', KEYS[3], run)
return 1
