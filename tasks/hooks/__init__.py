"""What GitHub tells us, and what we do about it: one file a topic. ``tasks.hooks.work`` decides which."""
