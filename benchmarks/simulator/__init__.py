"""The simulator against published measurements, and energy against its truth."""
