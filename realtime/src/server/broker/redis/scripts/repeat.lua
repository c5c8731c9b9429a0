-- Tells a room's subscribers once more where it stands, for those who have lost its last message.

local head = redis.call('HGET', KEYS[1], 'h')
if head then
  local epoch, seq, version = string.match(head, '^(%x+)\t(%d+)\t(%d+)\t')
  publish({ 'H', epoch, seq, version })
end
return 1
