-- Health is that of what is live. What becomes of an edit is for the health of its migration to tell: were an edit that waits for a
-- migration anything but Healthy, a sync would wait here and never come to the wave of the migration.

-- On its way.
local comes = { Installing = true, Unknown = true, WaitingForInputs = true, Stopping = true }
-- Not running, and right so.
local rests = { NoSink = true, Pending = true }

-- Also where something is missing that may still come: a sync that fails is tried again, and one that waits keeps the commit that mends it out.
local accepted = condition("Accepted")
if accepted.status == "False" then
  return health("Degraded", told(accepted.reason, accepted.message))
end

local ready = condition("Ready")
if ready.status == "False" and rests[ready.reason] then
  return health("Healthy", told(ready.reason, ready.message))
end
if ready.status == "False" and not comes[ready.reason] then
  return health("Degraded", told(ready.reason, ready.message))
end
if ready.status ~= "True" then
  return health("Progressing", told(ready.reason or "Unknown", ready.message))
end

local synced = condition("Synced")
if synced.status == "False" then
  return health("Healthy", told(synced.reason, synced.message))
end
return health("Healthy", told(status.live or "Ready", ready.message))
