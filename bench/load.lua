-- What wrk sends, and the line it prints at the end.  wrk -s bench/load.lua URL -- create|get|page|mixed|PATH ITEMS

local send = {}

function send.create()
    sent = sent + 1
    return wrk.format("POST", "/items", { ["Content-Type"] = "application/json" },
        string.format('{"name":"bolt %d","description":"zinc plated, %d of many, sold by the hundred"}', sent, sent))
end

function send.get()
    return wrk.format("GET", "/items/" .. math.random(items))
end

function send.page()
    return wrk.format("GET", "/items?limit=100&after=" .. math.random(0, items - 100))
end

function send.mixed()
    local dice = math.random(10)
    if dice <= 7 then return send.get() end
    if dice <= 9 then return send.page() end
    return send.create()
end

function init(arguments)
    sent = 0
    items = tonumber(arguments[2])
    math.randomseed(os.time())
    -- A constant request, which wrk builds once by itself at hardly any cost.
    wrk.path = arguments[1]
    request = send[arguments[1]]
end

-- Times are in microseconds; a status of 400 or more is an error.
function done(summary, latency)
    io.write(string.format("RESULT %d %d %d %d %d\n", summary.requests, summary.duration,
        summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
        latency:percentile(50), latency:percentile(99)))
end
