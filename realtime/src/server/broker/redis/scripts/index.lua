-- The rooms in which a run has somebody: written before the first enters, and shortened after the last has left.
--
-- KEYS[4] the run's rooms, a set. ARGV[1] the run. ARGV[2] SADD or SREM. ARGV[3..] rooms.
-- Result: 1, or `swept` where the run was taken for dead.

if is_dead(run) then
  return 'swept'
end
for i = 3, #ARGV do
  redis.call(ARGV[2], KEYS[4], ARGV[i])
end
return 1
