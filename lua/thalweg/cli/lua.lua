-- thalweg lua FILE ARGS: a plain script with the module at hand.
local sys = require "thalweg.sys"

local verb = {
  about = "executes a plain Lua script that may require \"thalweg\"",
  arguments = { { "FILE", about = "the script" }, { "ARGS", about = "what the script finds in arg and ...", optional = true } },
  options = {},
  passes_on = true,
}

---@return integer status
function verb.run(args)
  if sys.kind(args.file) ~= "file" then error({ message = args.file .. ": there is no such file", status = 2 }, 0) end
  local chunk, message = loadfile(args.file)
  if not chunk then error({ message = message, status = 2 }, 0) end
  args.rest[0] = args.file
  rawset(_G, "arg", args.rest)
  local ok, err = xpcall(chunk, function(e)
    if type(e) == "table" and e.message then return e end
    return { message = debug.traceback(tostring(e), 2), status = 1 }
  end, table.unpack(args.rest))
  if not ok then error(err, 0) end
  return 0
end

return verb
