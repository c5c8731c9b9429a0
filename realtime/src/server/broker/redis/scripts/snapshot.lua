-- Reads the room in one step. A room that Redis does not have begins.
--
-- Result: where it stands, its people (field, lines, field, …), and its events as XRANGE gives them.

local room, is_new = open()
if is_new then
  save(room)
end
local people = redis.call('HGETALL', KEYS[1])
return { head_of(room), people, redis.call('XRANGE', KEYS[2], '-', '+') }
