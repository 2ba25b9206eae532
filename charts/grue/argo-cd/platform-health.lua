local ready = condition("Ready")
local states = { True = "Healthy", False = "Degraded" }
return health(states[ready.status] or "Progressing", told(ready.reason or "Unknown", ready.message))
