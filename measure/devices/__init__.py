"""Devices: what can be set on them, what they measure."""
