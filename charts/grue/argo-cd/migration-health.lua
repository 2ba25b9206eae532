local phase = status.phase

-- One that has ended without success is a matter of the newest migration only: a newer one over the same resources has taken its place.
if status.outcome == "Completed" or status.outcome == "NothingToDo" then
  return health("Healthy", told(status.outcome, status.message))
end
if status.outcome ~= nil then
  if status.supersededBy ~= nil then
    return health("Healthy", told(status.outcome .. ", and " .. status.supersededBy .. " is newer", status.message))
  end
  return health("Degraded", told(status.outcome, status.message))
end

-- A flip that was decided is seen through, and so is the way back; everything else stands still.
local isPaused = obj.spec.paused == true or status.pausedByRequest == true
local isFlipping = status.flip ~= nil and status.flip.result == nil
local isLeaving = phase == "Aborting" or phase == "RollingBack"
if phase == "Held" or phase == "AwaitingApproval" or (isPaused and not isFlipping and not isLeaving) then
  return health("Suspended", told(phase, status.message))
end

-- What it waits for may come in a later wave of the same sync, or not at all; nothing is wrong with what is live.
local stalled = condition("Stalled")
local waits = stalled.reason == "WaitingForInputs" or stalled.reason == "WaitingForBase" or status.waitingFor ~= nil
if phase == "Pending" and waits then
  return health("Healthy", told(phase, status.message))
end
if stalled.status == "True" then
  return health("Degraded", told(stalled.reason, stalled.message))
end
return health("Progressing", told(phase, status.message))
