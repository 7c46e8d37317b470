"""Tally's tests: ``python -m unittest`` or ``pytest``."""
