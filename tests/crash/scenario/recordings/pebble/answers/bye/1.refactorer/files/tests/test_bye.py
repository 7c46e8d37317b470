from pebble.bye import bye


def test_bye():
    assert bye("Ada") == "ade, Ada"
