"""Greeting."""

from pebble.words import WORDS


def hello(name: str) -> str:
    """A word at the door."""
    return f"{WORDS['hello']} {name}"
