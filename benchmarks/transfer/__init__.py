"""Guarded transfer against the target alone and a linear shift, on published data."""
