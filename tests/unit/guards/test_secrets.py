"""Secrets in added lines."""

from __future__ import annotations

import pytest

from tasks.guards import GuardContext
from tasks.guards.secrets import secrets
from tests.unit.guards.helpers import added, change, edited

ANY = GuardContext()
AWS = "AKIA" + "Z7Q4N2M8K5T3R6W9"  # in two parts, so that this file holds no secret itself
GITHUB = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("app.py", f'KEY = "{AWS}"'),
        ("tests/test_app.py", f'KEY = "{AWS}"'),
        ("app.py", f'token = "{GITHUB}"'),
        ("README.md", GITHUB),
        ("app.py", f'KEY = "{AWS}"  # pragma: allowlist secret'),
        ("app.py", 'password = "correct-horse-battery"'),
        ("app.py", 'url = "https://me:correct-horse@db.internal/x"'),
        ("key.pem", "-----BEGIN RSA PRIVATE " + "KEY-----"),
    ],
)
def test_secrets_are_stopped_and_not_quoted(path: str, line: str) -> None:
    found = secrets(change(added(path, line + "\n")), ANY)
    assert found
    assert found[0].guard == "secret"
    for violation in found:
        assert not any(value in violation.detail for value in (AWS, GITHUB, "correct-horse"))


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("app.py", 'password = os.environ["PASSWORD"]'),
        ("app.py", 'password = "${PASSWORD}"'),
        ("app.py", "host = '10.0.0.1'"),
        ("tests/test_app.py", 'password = "correct-horse-battery"'),
        ("tests/test_app.py", 'assert sha("x") == "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"'),
        ("uv.lock", f'hash = "{AWS}"'),
    ],
)
def test_everyday_lines_pass(path: str, line: str) -> None:
    assert secrets(change(added(path, line + "\n")), ANY) == []


def test_a_secret_that_was_there_before_is_not_this_changes() -> None:
    old = f'KEY = "{AWS}"\n'
    assert secrets(change(edited("app.py", old, old + "x = 1\n")), ANY) == []
