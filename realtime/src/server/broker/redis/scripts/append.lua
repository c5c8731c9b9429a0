-- Appends an event and publishes it.
--
-- ARGV[5] its id. ARGV[6] its payload: JSON of what it is about and its data.
-- ARGV[7..9] the greatest number, size in bytes and age in ms of what is kept.
-- ARGV[10] the most ids that are remembered.
-- Result: the life of the log and the event's number. An event whose id is remembered is not appended again: its number
-- is the one it had, 0 where that was in an earlier life.

local id, payload = ARGV[5], ARGV[6]
local most, most_bytes, oldest = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
local room = open()
local known = redis.call('ZSCORE', KEYS[3], id)
if known then
  save(room)
  return { room.epoch, known }
end
local at, previous = now(), room.last
append(room, id, at, payload)

local count = redis.call('XLEN', KEYS[2])
if count == 1 then
  room.bytes = #payload
end
while count > 0 do
  local first = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 1)[1]
  local fields = first[2]
  local is_old = tonumber(fields[4]) + oldest < tonumber(at)
  if count <= most and room.bytes <= most_bytes and not is_old then
    break
  end
  redis.call('XDEL', KEYS[2], first[1])
  room.bytes = room.bytes - #fields[6]
  count = count - 1
end
redis.call('PEXPIRE', KEYS[2], oldest)

local ids = redis.call('ZCARD', KEYS[3])
if ids > tonumber(ARGV[10]) then
  redis.call('ZREMRANGEBYRANK', KEYS[3], 0, ids - tonumber(ARGV[10]) - 1)
end
redis.call('PEXPIRE', KEYS[3], ARGV[3])
save(room)
publish({ 'E', room.epoch, text(room.seq), at, id, previous }, payload)
return { room.epoch, text(room.seq) }
