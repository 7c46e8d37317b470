from pebble.stamp import stamp


def test_stamp():
    assert len(stamp()) in (32, 64)
