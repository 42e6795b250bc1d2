"""A board in numbers: what a call costs, what it draws, how warm it gets."""
