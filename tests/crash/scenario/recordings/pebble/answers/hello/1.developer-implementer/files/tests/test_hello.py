from pebble.hello import hello


def test_hello():
    assert hello("Ada") == "hallo, Ada"
