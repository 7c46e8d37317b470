"""Tally keeps track of what you spend."""

from tally.version import read_version

__version__ = read_version()
