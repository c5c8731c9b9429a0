-- The sessions of a run leave the room.
--
-- ARGV[5] the run. ARGV[6] how long its death is remembered, in ms: until then it enters nobody. 0 where it lives, and
-- only those leave that are not named.
-- ARGV[7..] the sessions that stay: field, tab, id.
-- Result: how many left.

local run, left = ARGV[5], 0
if ARGV[6] ~= '0' then
  redis.call('SADD', KEYS[4], run)
  redis.call('PEXPIRE', KEYS[4], ARGV[6])
end
if redis.call('EXISTS', KEYS[1]) == 0 then
  return 0
end
local stays = {}
for i = 7, #ARGV do
  stays[ARGV[i]] = true
end
local room = open()
local people = redis.call('HGETALL', KEYS[1])
for i = 1, #people, 2 do
  local field = people[i]
  if field ~= 'h' and string.find(people[i + 1], run, 1, true) then
    local list, gone = {}, {}
    for _, entry in ipairs(sessions(field)) do
      if entry.run == run and not stays[field .. '\t' .. entry.session] then
        gone[#gone + 1] = entry.session
      else
        list[#list + 1] = entry
      end
    end
    if #gone > 0 then
      set_sessions(field, list)
      for _, session in ipairs(gone) do
        changed(room, '-', field, session)
        left = left + 1
      end
    end
  end
end
if left > 0 then
  save(room)
end
return left
