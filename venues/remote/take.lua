-- Requests more in a sliding window, as many of them as there is room for: {how many, how many are left, milliseconds
-- until one is free}. KEYS: the window's requests, and a key that is there while the service has asked to be left alone.
-- ARGV: most, window in ms, a name, how many.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local blocked = redis.call('PTTL', KEYS[2])
if blocked > 0 then
  return {0, 0, blocked}
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
local used = redis.call('ZCARD', KEYS[1])
local room = math.max(0, tonumber(ARGV[1]) - used)
local taken = math.min(room, tonumber(ARGV[4]))
for number = 1, taken do
  redis.call('ZADD', KEYS[1], now, ARGV[3] .. ':' .. number)
end
if taken > 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
local wait = 0
if room == taken then
  local oldest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
  wait = tonumber(oldest[2]) + ARGV[2] - now
end
return {taken, room - taken, wait}
