"""Git, driven by its plumbing commands on bare repositories."""
