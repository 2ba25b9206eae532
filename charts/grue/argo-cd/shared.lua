-- Stands before every health script: Argo CD runs each by itself, on one object, and knows no modules of others.
-- Only what gopher-lua 5.1 has in there is used: the base library and tables, no strings, no patterns.
local status = obj.status or {}

local function health(state, message)
  return { status = state, message = message }
end

local function condition(wanted)
  for _, one in ipairs(status.conditions or {}) do
    if one.type == wanted then
      return one
    end
  end
  return {}
end

local function told(reason, message)
  if message == nil or message == "" then
    return reason
  end
  return reason .. ": " .. message
end

if obj.metadata.deletionTimestamp ~= nil then
  return health("Progressing", told("is being deleted", status.message))
end
if status.observedGeneration == nil or status.observedGeneration < obj.metadata.generation then
  return health("Progressing", "the operator has not seen this generation yet")
end
