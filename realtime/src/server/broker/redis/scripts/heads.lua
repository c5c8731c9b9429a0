-- Where rooms stand. Nothing is written, but a room that is looked at is kept.
--
-- KEYS the rooms. ARGV[1] how long a room is kept that nobody is in, in ms.
-- Result: for each room where it stands, or false where Redis does not have it.

local heads = {}
for i, room in ipairs(KEYS) do
  heads[i] = redis.call('HGET', room, 'h')
  if heads[i] then
    local left = redis.call('PTTL', room)
    if left >= 0 and left < tonumber(ARGV[1]) / 2 then
      redis.call('PEXPIRE', room, ARGV[1])
    end
  end
end
return heads
