"""Which words a service was started with."""

import hashlib

from pebble.words import WORDS


def stamp() -> str:
    """A digest of all words."""
    return hashlib.sha256(repr(WORDS).encode()).hexdigest()
