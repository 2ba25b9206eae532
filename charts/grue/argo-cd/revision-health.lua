-- On its way, or on its way out.
local comes = { Unknown = true, WaitingForInputs = true, Stopping = true, Removing = true, Reclaiming = true }

local released = condition("Released")
if released.status == "True" then
  return health("Healthy", told("Released", released.message))
end

local ready = condition("Ready")
if ready.status == "True" or ready.reason == "Retired" then
  return health("Healthy", told(status.role or ready.reason, ready.message))
end
if ready.status == "False" and not comes[ready.reason] then
  return health("Degraded", told(ready.reason, ready.message))
end
return health("Progressing", told(ready.reason or "Unknown", ready.message))
