-- A session is in the room, as its line says; it replaces its line of before.
--
-- ARGV[5] the field of its person. ARGV[6] its line; the time in it counts for who comes, others keep theirs.
-- Result: the life of the room, or `dead` where its node was taken for dead. A line of a lower incarnation than the one
-- that is there changes nothing.

local field, entry = ARGV[5], parse(ARGV[6])
if redis.call('SISMEMBER', KEYS[4], entry.run) == 1 then
  return 'dead'
end
local room = open()
local list, place, since = sessions(field), nil, nil
for i, other in ipairs(list) do
  if other.session == entry.session then
    place = i
    if other.incarnation > entry.incarnation then
      return room.epoch
    end
  end
  -- A person has been here since others could see them, whichever of their devices goes first.
  if other.status ~= 'i' and (not since or tonumber(other.since) < tonumber(since)) then
    since = other.since
  end
end
entry.since = since or entry.since
list[place or #list + 1] = entry
set_sessions(field, list)
changed(room, '+', field, line(entry))
save(room)
return room.epoch
