from pebble.words import WORDS


def test_words():
    assert set(WORDS) == {"yes", "hello", "bye"}
