-- SPDX-License-Identifier: PostgreSQL
-- For wrk: sends one request again and again; says at the end how it went, as one line of JSON. LOAD_REQUEST names a
-- file: the method, lines of headers, an empty line, the body. LOAD_PAUSE_MS: each connection waits so long in between.

local method, body = "GET", nil
local pause = tonumber(os.getenv("LOAD_PAUSE_MS") or "0")

function init()
  local file = assert(io.open(os.getenv("LOAD_REQUEST")))
  method = file:read("*l")
  for line in file:lines() do
    if line == "" then break end
    local name, value = line:match("^([^:]+): (.*)$")
    wrk.headers[name] = value
  end
  body = file:read("*a")
  file:close()
  if body == "" then body = nil end
end

function request() return wrk.format(method, nil, nil, body) end

if pause > 0 then
  function delay() return pause end
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests": %d, "seconds": %.6f, "bytes": %d, "p50_ms": %.4f, "p99_ms": %.4f, "failed": %d}\n',
    summary.requests, summary.duration / 1e6, summary.bytes, latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
