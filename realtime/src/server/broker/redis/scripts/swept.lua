-- Rooms of a dead run were purged.
--
-- KEYS[4] the run's rooms, a set. ARGV[1] the run. ARGV[2..] the rooms.
-- Result: some of those that are left. The run is swept where there are none.

for i = 2, #ARGV do
  redis.call('SREM', KEYS[4], ARGV[i])
end
local left = redis.call('SRANDMEMBER', KEYS[4], 100)
if #left == 0 then
  redis.call('SREM', KEYS[3], run)
end
return left
