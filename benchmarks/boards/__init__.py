"""Boards that are killed at random moments, and what setting them costs."""
