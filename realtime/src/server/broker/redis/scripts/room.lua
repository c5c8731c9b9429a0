-- What the scripts of a room share: it stands before each of them.
--
-- KEYS[1] the room, a hash: `h` is where it stands, every other field is a person (`u:` and their id) or a guest (`g:`
--         and the session), and holds a line for each of their sessions.
-- KEYS[2] its log, a stream: the number of an event is the first part of its id.
-- KEYS[3] the ids of its events, a sorted set by number; 0 for those of an earlier life of the log.
-- KEYS[4] the dead, a set: runs of nodes that may not enter anybody any more.
-- KEYS[5] its channel.
-- ARGV[1] PUBLISH, or SPUBLISH on a Cluster.
-- ARGV[2] the name of the log's next life, where one begins: 16 hexadecimal digits.
-- ARGV[3] how long ids are remembered after the last event, in ms.
-- ARGV[4] how long a room is kept that nobody is in, in ms.
--
-- Fields within a value or message are parted by tabs and lines by newlines: no id, and no JSON as we write it, holds one.
-- Every script runs whole or not at all, and touches one room: so what is numbered is what is kept and what is told.

local function text(number)
  return string.format('%.0f', number)
end

local function now()
  local time = redis.call('TIME')
  return text(tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000))
end

-- What was published in an earlier life has no number in this one, but is remembered.
local function forget_numbers()
  if redis.call('EXISTS', KEYS[3]) == 1 then
    redis.call('ZUNIONSTORE', KEYS[3], 1, KEYS[3], 'WEIGHTS', 0)
    redis.call('PEXPIRE', KEYS[3], ARGV[3])
  end
end

local function begun()
  return { epoch = ARGV[2], seq = 0, version = 0, bytes = 0, last = '' }
end

-- Where the room stands. A room that Redis does not have begins.
local function open()
  local head = redis.call('HGET', KEYS[1], 'h')
  if not head then
    redis.call('DEL', KEYS[2])
    forget_numbers()
    return begun(), true
  end
  local epoch, seq, version, bytes, last = string.match(head, '^(%x+)\t(%d+)\t(%d+)\t(%d+)\t(.*)$')
  return {
    epoch = epoch, seq = tonumber(seq), version = tonumber(version), bytes = tonumber(bytes), last = last,
  }, false
end

local function head_of(room)
  return table.concat({ room.epoch, text(room.seq), text(room.version), text(room.bytes), room.last }, '\t')
end

-- A room that somebody is in is kept until they go.
local function save(room)
  redis.call('HSET', KEYS[1], 'h', head_of(room))
  if redis.call('HLEN', KEYS[1]) == 1 then
    redis.call('PEXPIRE', KEYS[1], ARGV[4])
  else
    redis.call('PERSIST', KEYS[1])
  end
end

local function publish(fields, body)
  local message = table.concat(fields, '\t')
  if body then
    message = message .. '\n' .. body
  end
  redis.call(ARGV[1], KEYS[5], message)
end

-- Gives an event the next number and keeps it.
local function append(room, id, at, payload)
  room.seq = room.seq + 1
  redis.call('XADD', KEYS[2], text(room.seq) .. '-0', 'i', id, 'a', at, 'p', payload)
  redis.call('ZADD', KEYS[3], text(room.seq), id)
  room.last = id
  room.bytes = room.bytes + #payload
end

-- A session came (`+`, with its line) or went (`-`, with its id): the next change of the room's presence.
local function changed(room, sign, field, what)
  room.version = room.version + 1
  publish({ 'P', room.epoch, text(room.version), now(), sign, field }, what)
end

-- A session's line, taken apart.
local function parse(line)
  local session, incarnation, run, since, status, rest =
    string.match(line, '^([^\t]*)\t(%x+)\t(%x+)\t(%d+)\t(%a)\t(.*)$')
  return {
    session = session, incarnation = incarnation, run = run, since = since, status = status, rest = rest,
  }
end

-- And put together.
local function line(entry)
  return table.concat(
    { entry.session, entry.incarnation, entry.run, entry.since, entry.status, entry.rest }, '\t')
end

-- The sessions of a person.
local function sessions(field)
  local value, list = redis.call('HGET', KEYS[1], field), {}
  if value then
    for found in string.gmatch(value, '[^\n]+') do
      list[#list + 1] = parse(found)
    end
  end
  return list
end

local function set_sessions(field, list)
  if #list == 0 then
    redis.call('HDEL', KEYS[1], field)
    return
  end
  local lines = {}
  for i, entry in ipairs(list) do
    lines[i] = line(entry)
  end
  redis.call('HSET', KEYS[1], field, table.concat(lines, '\n'))
end

