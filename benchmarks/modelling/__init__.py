"""Models against known effects and published measurements, and start-up times."""
