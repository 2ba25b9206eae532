-- Before it stands the verb. Asks for what the person was looking at, this attempt and this plan, as the command line does. Who asks is
-- Argo CD's own account: `by` is left out.
local os = require("os")
local status = obj.status or {}
local annotations = obj.metadata.annotations or {}

-- There is no randomness in here, but whatever is written to an object gives it another version: no two requests share an id.
annotations["grue.dev/request-id"] = "argo-cd-" .. verb .. "-" .. obj.metadata.resourceVersion .. "-" .. tostring(os.time())
annotations["grue.dev/request-verb"] = verb
annotations["grue.dev/request-attempt"] = status.attempt and tostring(status.attempt)
annotations["grue.dev/request-plan"] = status.plan and status.plan.hash
-- Of an earlier request: the parts of two never mix.
annotations["grue.dev/request-step"] = nil
annotations["grue.dev/request-by"] = nil
annotations["grue.dev/request-reason"] = nil

obj.metadata.annotations = annotations
return obj
