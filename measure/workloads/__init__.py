"""What a device runs: networks, their inputs, and the processes that run them."""
