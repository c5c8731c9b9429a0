-- The rooms in which a run has somebody: written before the first enters, and shortened after the last has left.
--
-- KEYS[4] the run's rooms, a set. ARGV[1] the run. ARGV[2] SADD or SREM, and ARGV[3..] rooms; or SMEMBERS.
-- Result: 1, or the rooms where they are asked for; `swept` where the run was taken for dead.

if is_dead(run) then
  return 'swept'
end
if ARGV[2] == 'SMEMBERS' then
  return redis.call('SMEMBERS', KEYS[4])
end
for i = 3, #ARGV do
  redis.call(ARGV[2], KEYS[4], ARGV[i])
end
return 1
