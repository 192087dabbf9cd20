-- One request more in a sliding window, if there is room: {1 or 0, how many are left, milliseconds until one is free}.
-- KEYS: the window's requests, and a key that is there while the service has asked to be left alone. ARGV: most, window in ms, a name.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local blocked = redis.call('PTTL', KEYS[2])
if blocked > 0 then
  return {0, 0, blocked}
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
local used = redis.call('ZCARD', KEYS[1])
local most = tonumber(ARGV[1])
if used >= most then
  local oldest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
  return {0, 0, tonumber(oldest[2]) + ARGV[2] - now}
end
redis.call('ZADD', KEYS[1], now, ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return {1, most - used - 1, 0}
