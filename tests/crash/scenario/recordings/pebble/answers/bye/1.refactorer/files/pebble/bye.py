"""Taking leave."""

from pebble.words import WORDS


def bye(name: str) -> str:
    """A word at the door."""
    return f"{WORDS['bye']}, {name}"
