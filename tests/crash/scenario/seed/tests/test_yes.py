from pebble.words import WORDS


def test_yes():
    assert WORDS["yes"] == "ja"
