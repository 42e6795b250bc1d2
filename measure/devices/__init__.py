"""Devices: what can be set, read and measured on a board or machine."""
