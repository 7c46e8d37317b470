"""Tally keeps track of what you spend."""

__version__ = "0.1.0"
