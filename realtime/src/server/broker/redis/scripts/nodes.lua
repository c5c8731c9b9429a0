-- What the scripts of nodes share: it stands before each of them. All their keys, and those of the control room, are in
-- one slot.
--
-- KEYS[1] the beats, a hash: run -> its counter, then its record, parted by tabs.
-- KEYS[2] the dead, a sorted set: runs by the time at which they were claimed, in ms.
-- KEYS[3] the unswept, a set: runs that were claimed, and whose rooms may not all be purged yet.

local run = ARGV[1]

local function is_dead(which)
  return redis.call('ZSCORE', KEYS[2], which) ~= false
end

local function now()
  local time = redis.call('TIME')
  return string.format('%.0f', tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000))
end

