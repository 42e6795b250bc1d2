"""Workloads: the networks, their inputs and the processes that run them."""
