-- Leaves a service alone for longer, never for less long than it is already.
-- KEYS: what is there while the service has asked to be left alone. ARGV: for how long, in ms.
if tonumber(ARGV[1]) > redis.call('PTTL', KEYS[1]) then
  redis.call('SET', KEYS[1], 'blocked', 'PX', ARGV[1])
end
