"""One thin file a command: parse, call one function of a room or a job, print. Nothing heavy at module level."""
