-- SPDX-License-Identifier: PostgreSQL
-- For wrk: POSTs the bodies of a file in turn, each with an id of its own, as JSON-RPC wants it; says at the end how it
-- went, as one line of JSON. LOAD_REQUEST names the file: lines of headers, an empty line, then a body a line.

local bodies, sent = {}, 0

function init()
  local file = assert(io.open(os.getenv("LOAD_REQUEST")))
  local is_head = true
  for line in file:lines() do
    if line == "" then
      is_head = false
    elseif is_head then
      local name, value = line:match("^([^:]+): (.*)$")
      wrk.headers[name] = value
    else
      -- Before and after the id.
      bodies[#bodies + 1] = { line:match('^(.-)"@id@"(.*)$') }
    end
  end
  file:close()
end

function request()
  sent = sent + 1
  local body = bodies[sent % #bodies + 1]
  return wrk.format("POST", nil, nil, body[1] .. sent .. body[2])
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests": %d, "seconds": %.6f, "p50_ms": %.4f, "p95_ms": %.4f, "failed": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(95) / 1e3,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
