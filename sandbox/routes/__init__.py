"""The endpoints: one file a topic, each with a ``router``."""
