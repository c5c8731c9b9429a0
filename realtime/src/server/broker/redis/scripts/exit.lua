-- A session leaves the room, unless a later incarnation is there.
--
-- ARGV[5] the field of its person. ARGV[6] its id. ARGV[7] its incarnation, 16 hexadecimal digits.
-- ARGV[8] the life of the room in which it may have entered, or nothing.
-- Result: 1 where it left, otherwise 0.

local field, session, incarnation = ARGV[5], ARGV[6], ARGV[7]
local room = open()
local list = sessions(field)
for i, entry in ipairs(list) do
  if entry.session == session then
    if entry.incarnation > incarnation then
      return 0
    end
    table.remove(list, i)
    set_sessions(field, list)
    changed(room, '-', field, session)
    save(room)
    return 1
  end
end
-- Whoever still shows it from the room's life before is told.
if ARGV[8] ~= '' and ARGV[8] ~= room.epoch then
  publish({ 'G', now(), field, incarnation }, session)
end
return 0
