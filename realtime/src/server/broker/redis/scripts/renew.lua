-- The room begins anew: because Redis has lost something of it that was seen, or because it is cleared.
--
-- ARGV[5] and ARGV[6] the life and the number at which it was found so; nothing to clear it in any case.
-- ARGV[7..] the numbers of events that are kept, as the first ones of the new life; and so is all that came since.
-- Result: 1 where it has begun anew, 0 where it is in another life already, or has lost more meanwhile.

local room, is_new = open()
local cleared = ARGV[5] == ''
if not cleared and (is_new or room.epoch ~= ARGV[5] or room.seq < tonumber(ARGV[6])) then
  if is_new then
    save(room)
  end
  return 0
end
local kept = {}
for i = 7, #ARGV do
  local found = redis.call('XRANGE', KEYS[2], ARGV[i] .. '-0', ARGV[i] .. '-0')[1]
  if found then
    kept[#kept + 1] = found[2]
  end
end
if not cleared then
  local since = redis.call('XRANGE', KEYS[2], text(tonumber(ARGV[6]) + 1) .. '-0', '+')
  for _, found in ipairs(since) do
    kept[#kept + 1] = found[2]
  end
end
redis.call('DEL', KEYS[1], KEYS[2])
if cleared then
  redis.call('DEL', KEYS[3])
else
  forget_numbers()
end
room = begun()
for _, fields in ipairs(kept) do
  append(room, fields[2], fields[4], fields[6])
end
save(room)
publish({ 'B', room.epoch, cleared and '1' or '0' })
return 1
