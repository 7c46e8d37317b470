"""A phrase book."""
