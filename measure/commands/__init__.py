"""The commands of ``python -m measure``, one module each: parse, call, print."""
