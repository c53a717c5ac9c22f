"""Cells that the suites run: small, and of every kind."""

# Ends at once.
SHOW = 'show = "version"'
DEFAULTS = "repeat = 3"
WRONG = 'taks = { cpu = "1ms" }'

QUICK = '''title  = "quick"
task   = { sleep = "1ms" }
tasks  = 2
models = ["sequential", "threads"]
repeat = 3
warmup = 1
'''

# Far longer than any test waits for it; the budget would otherwise not even let it start.
LONG = '''task   = { sleep = "200ms" }
tasks  = 4
models = ["processes"]
repeat = 500
trial_timeout = "10m"
budget = "30m"
'''
