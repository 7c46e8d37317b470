"""The words that the phrase book knows."""

WORDS = {
    "yes": "ja",
}
