"""Configurations a minute of a sweep, against a fresh process for each."""
