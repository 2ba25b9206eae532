-- What may be asked of a migration now. The operator judges each request by itself: this only keeps people from asking in vain.
local status = obj.status or {}
local flip = status.flip
local way = status.ending and status.ending.way
local hasEnded = status.outcome ~= nil
local isPausedInSpec = obj.spec.paused == true
local isPaused = isPausedInSpec or status.pausedByRequest == true
local readersOnGreen = flip ~= nil and flip.direction == "Forward" and flip.result == "Moved"

local actions = {}
local function offer(name, icon, isPossible)
  actions[name] = { disabled = not isPossible, iconClass = "fa fa-fw fa-" .. icon }
end

offer("promote", "check", status.phase == "AwaitingApproval")
offer("abort", "ban", not hasEnded and flip == nil and (way == nil or way == "Hold"))
offer("rollback", "undo", not hasEnded and readersOnGreen and way == nil and status.pointOfNoReturn == nil)
offer("pause", "pause", not hasEnded and not isPaused)
offer("resume", "play", not hasEnded and isPaused and not isPausedInSpec)
offer("retry", "redo", way == "Hold" or (hasEnded and status.outcome ~= "Completed"))
return actions
