"""What is said of a licence, by the project's people and by the repository."""

from __future__ import annotations

import pytest

from ledger.models import LicenceLists
from tasks.quality.licences import Policy


@pytest.mark.parametrize(
    ("people", "repository", "choices", "word"),
    [
        ({}, {}, ["MIT"], ""),
        ({}, {"allow": ["GPL-*"]}, ["GPL-3.0-ONLY"], "allow"),
        ({"deny": ["MPL-*"]}, {"allow": ["MPL-2.0"]}, ["MPL-2.0"], "deny"),
        ({"allow": ["mpl-2.0"]}, {"ask": ["MPL-*"]}, ["MPL-2.0"], "allow"),
        ({}, {"ask": ["MPL-*"]}, ["MPL-2.0"], "ask"),
        ({"deny": ["GPL-*"]}, {}, ["GPL-3.0-ONLY", "MIT"], ""),  # MIT may be chosen
        ({"allow": ["MIT"]}, {}, ["GPL-3.0-ONLY", "MIT"], "allow"),
        ({"allow": ["MIT"]}, {}, ["MIT AND GPL-2.0-ONLY"], ""),
        ({"allow": ["MIT", "GPL-*"]}, {}, ["MIT AND GPL-2.0-ONLY"], "allow"),
        ({"deny": ["package:Some_Thing"]}, {}, ["MIT"], "deny"),
        ({"allow": ["package:some-thing"]}, {}, [], "allow"),
        ({"ask": ["*"]}, {}, [], ""),  # a package that says nothing is under no licence
    ],
)
def test_who_said_what(
    people: dict[str, list[str]], repository: dict[str, list[str]], choices: list[str], word: str
) -> None:
    policy = Policy((LicenceLists(**people), LicenceLists(**repository)))
    assert policy.says("some.thing", choices) == word
