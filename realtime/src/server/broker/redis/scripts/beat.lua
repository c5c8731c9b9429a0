-- A node lives, and hears who else does.
--
-- ARGV[1] its run. ARGV[2] what its counter was. ARGV[3] its record. ARGV[4] `register` to begin, otherwise `beat`.
-- KEYS[4] the control room.
-- Result: `swept` where it was taken for dead; `gone` where Redis has no record of it, or an older one, and nothing is
-- written: then Redis has lost something. Otherwise its counter, everyone's records (run, counter and record, …), the
-- unswept runs, and where the control room stands.

if is_dead(run) then
  return 'swept'
end
local counter = tonumber(ARGV[2])
if ARGV[4] == 'beat' then
  local record = redis.call('HGET', KEYS[1], run)
  local found = record and tonumber(string.match(record, '^(%d+)\t'))
  if not found or found < counter then
    return 'gone'
  end
  -- It is higher where an answer was lost.
  counter = found
end
counter = string.format('%.0f', counter + 1)
redis.call('HSET', KEYS[1], run, counter .. '\t' .. ARGV[3])
return {
  counter, redis.call('HGETALL', KEYS[1]), redis.call('SMEMBERS', KEYS[3]),
  redis.call('HGET', KEYS[4], 'h'),
}
