"""What Redis runs to count a question: all of its charges, or none."""

from typing import Final

from gateway.budget.memory import MAX_DISORDER_SECONDS
from gateway.budget.store import MAX_LOOKED_AROUND, PARTS
from gateway.shared.connection import Script

# KEYS 1 the clock; the others by their places, as the charges say. ARGV 1 the charges (MessagePack), 2 how many places
# an owner may have, 3 now or "": by the clock of Redis.
#
# A count is a hash of numbers by the parts of its window, its members are a sorted set by the part in which they were
# seen last; parts are numbered from 1970. An owner is a sorted set of the places that it takes, by when they end.
#
# 1. the moment, which never goes back; 2. what each count holds; 3. the cost of each charge, as if it were the first;
# 4. room for what is new; 5. all is counted. Returns {"spent"}, {"exceeded", place of the charge, seconds}, {"full"},
# or {"near", places of charges whose neighbours are needed}: nothing is counted then.
SPEND: Final = Script(
    """
local charges, most_places = cmsgpack.unpack(ARGV[1]), tonumber(ARGV[2])

-- 1. the moment
local now = tonumber(ARGV[3])
if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1]) + tonumber(time[2]) / 1000000
end
local clock = redis.call('HMGET', KEYS[1], 'latest', 'ahead')
local latest, ahead = tonumber(clock[1]) or now, tonumber(clock[2]) or 0
now = now + ahead
if now < latest - $DISORDER then
  ahead = ahead + latest - now
end
now = math.max(now, latest)
redis.call('HSET', KEYS[1], 'latest', string.format('%.6f', now), 'ahead', string.format('%.6f', ahead))

-- 2. what each count holds
local counts = {}
for _, charge in ipairs(charges) do
  if not counts[charge.count] then
    local part_seconds = charge.window / $PARTS
    local part = math.floor(now / part_seconds)
    local count = {
      key = KEYS[charge.count], members = KEYS[charge.members], owner = charge.owner, fixed = charge.fixed,
      part = part, first = part - $PARTS, part_seconds = part_seconds, value = 0, parts = {}, numbers = {}, cost = 0,
    }
    local ended, numbers = {}, redis.call('HGETALL', count.key)
    for place = 1, #numbers, 2 do
      local number = tonumber(numbers[place])
      if number < count.first then
        ended[#ended + 1] = numbers[place]
      else
        count.parts[#count.parts + 1] = number
        count.numbers[number] = tonumber(numbers[place + 1])
        count.value = count.value + count.numbers[number]
      end
    end
    if #ended > 0 then
      redis.call('HDEL', count.key, unpack(ended))
    end
    redis.call('ZREMRANGEBYSCORE', count.members, '-inf', '(' .. string.format('%d', count.first))
    count.known = redis.call('ZCARD', count.members)
    count.is_new = #count.parts == 0 and count.known == 0
    counts[charge.count] = count
  end
end

local function has(count, member)
  return redis.call('ZSCORE', count.members, member) ~= false
end

local function has_any(count, members)
  for first = 1, #members, 1000 do
    local scores = redis.call('ZMSCORE', count.members, unpack(members, first, math.min(first + 999, #members)))
    for _, score in ipairs(scores) do
      if score then
        return true
      end
    end
  end
  return false
end

-- 3. costs
local looked, looked_around, wanted = {}, 0, {}

local function cost_of(place, charge, count)
  if charge.free then
    return 0
  end
  if not charge.member then
    return 1
  end
  local is_known = has(count, charge.member)
  if not charge.looks then
    return is_known and 0 or 1
  end
  if is_known or count.known == 0 then
    return 0
  end
  if not looked[charge.member] and looked_around >= $LOOKED_AROUND then
    return 0
  end
  if not looked[charge.member] then
    looked[charge.member] = true
    looked_around = looked_around + 1
  end
  if not charge.near then
    wanted[#wanted + 1] = place
    return 0
  end
  return has_any(count, charge.near) and 1 or 0
end

local function wait_of(count, limit)
  local left, room_at = count.value, 0
  table.sort(count.parts)
  for _, part in ipairs(count.parts) do
    if left < limit then
      break
    end
    left = left - count.numbers[part]
    room_at = (part + $PARTS + 1) * count.part_seconds
  end
  return math.max(1, math.ceil(room_at - now))
end

local refused
for place, charge in ipairs(charges) do
  local count = counts[charge.count]
  local cost = cost_of(place, charge, count)
  if (cost > 0 or charge.free) and count.value + count.cost >= charge.limit then
    refused = refused or {'exceeded', place, wait_of(count, charge.limit)}
    break
  end
  count.cost = count.cost + cost
end
if #wanted > 0 then
  return {'near', unpack(wanted)}
end
if refused then
  return refused
end

-- 4. room; free uses need it as well
local held, taken, ends = {}, {}, {}

local function take(owner, name)
  taken[owner] = taken[owner] or {}
  if not taken[owner][name] then
    taken[owner][name] = true
    held[owner] = held[owner] + 1
  end
end

local function end_of(count)
  return (count.part + $PARTS + 1) * count.part_seconds
end

for _, charge in ipairs(charges) do
  local count, owner = counts[charge.count], charge.owner
  if not held[owner] then
    local ended = redis.call('ZRANGE', KEYS[owner], '-inf', string.format('%.6f', now), 'BYSCORE', 'LIMIT', 0, 500)
    if #ended > 0 then
      redis.call('ZREM', KEYS[owner], unpack(ended))
    end
    held[owner] = redis.call('ZCARD', KEYS[owner])
  end
  local before = held[owner]
  if count.is_new and not charge.fixed then
    take(owner, count.key)
  end
  if charge.member and not has(count, charge.member) then
    take(owner, count.members .. charge.member)
  end
  if held[owner] > before and held[owner] > most_places then
    return {'full'}
  end
end

-- 5. all of it
local function lasts(key, count)
  redis.call('EXPIRE', key, math.ceil(end_of(count) - now) + $DISORDER)
end

local function hold(owner, name, count)
  local how = taken[owner] and taken[owner][name] and 'NX' or 'XX'
  redis.call('ZADD', KEYS[owner], how, string.format('%.6f', end_of(count)), name)
  ends[owner] = math.max(ends[owner] or 0, end_of(count))
end

for _, charge in ipairs(charges) do
  local count = counts[charge.count]
  if not charge.free then
    if not charge.fixed then
      hold(charge.owner, count.key, count)
    end
    if charge.member then
      redis.call('ZADD', count.members, count.part, charge.member)
      hold(charge.owner, count.members .. charge.member, count)
      lasts(count.members, count)
    end
  end
end
for _, count in pairs(counts) do
  if count.cost > 0 then
    redis.call('HINCRBY', count.key, count.part, count.cost)
    lasts(count.key, count)
  end
end
for owner, last in pairs(ends) do
  local seconds = math.ceil(last - now) + $DISORDER
  redis.call('EXPIRE', KEYS[owner], math.max(redis.call('TTL', KEYS[owner]), seconds))
end
return {'spent'}
""".replace("$DISORDER", str(MAX_DISORDER_SECONDS))
    .replace("$PARTS", str(PARTS))
    .replace("$LOOKED_AROUND", str(MAX_LOOKED_AROUND))
)
