"""One file a command of `python -m perfmodel`: parse, call, print."""
