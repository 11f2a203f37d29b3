-- wrk's script: sends the prepared requests of a file one after another and counts the statuses.
-- The file is `<length>\n<bytes>` over and over; see messages.py. One thread only: wrk -t1.

local messages, position, wraps = {}, 0, true
local threads = {}
counts, exhausted = {}, false

function setup(thread)
  threads[#threads + 1] = thread
end

function init(args)
  local file = assert(io.open(args[1], "rb"))
  wraps = args[2] == "again"
  while true do
    local length = file:read("*n")
    if not length then break end
    file:read(1)
    messages[#messages + 1] = file:read(length)
  end
  file:close()
end

function request()
  position = position + 1
  if position > #messages then
    position = 1
    if not wraps then exhausted = true end
  end
  return messages[position]
end

function response(status)
  counts[status] = (counts[status] or 0) + 1
end

function done(summary, latency, requests)
  local statuses, ran_out = {}, false
  for _, thread in ipairs(threads) do
    for status, count in pairs(thread:get("counts")) do
      statuses[#statuses + 1] = string.format('"%d": %d', status, count)
    end
    ran_out = ran_out or thread:get("exhausted")
  end
  local errors = summary.errors
  io.write(string.format(
    '\nRESULT {"seconds": %f, "statuses": {%s}, "broken": %d, "exhausted": %s, '
      .. '"p50_ms": %f, "p95_ms": %f, "p99_ms": %f, "max_ms": %f}\n',
    summary.duration / 1e6, table.concat(statuses, ", "),
    errors.connect + errors.read + errors.write + errors.timeout, tostring(ran_out),
    latency:percentile(50) / 1e3, latency:percentile(95) / 1e3, latency:percentile(99) / 1e3,
    latency.max / 1e3))
end
