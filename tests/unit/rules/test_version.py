"""The next version."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from semver import Version

from ledger.rules.version import bump_of, highest, next_version

Bump = Literal["major", "minor", "patch"]
NUMBER = st.integers(0, 30)
VERSIONS = st.builds(Version, NUMBER, NUMBER, NUMBER, st.none() | st.just("rc.1"), st.none() | st.just("7"))


@pytest.mark.parametrize(
    ("tags", "current", "bump", "expected"),
    [
        ([], None, "minor", "0.1.0"),
        ([], None, "patch", "0.0.1"),
        ([], "0.3.1", "major", "1.0.0"),
        ([], "v0.3.1", "minor", "0.4.0"),
        ([], "2.1", "minor", "2.2.0"),
        (["v1.2.3", "1.10.0", "v1.9.9"], "1.4.0", "patch", "1.10.1"),
        (["v1.0.0"], "1.2.0", "minor", "1.3.0"),
        (["v2.0.0-rc.1"], None, "major", "2.0.0"),
        (["v1.2.3+7"], None, "patch", "1.2.4"),
        (["20240101", "release", "v1", "", "vv1.0.0"], "what", "minor", "0.1.0"),
    ],
)
def test_one_step_up(tags: list[str], current: str | None, bump: Bump, expected: str) -> None:
    assert next_version(tags, current, bump) == expected


@settings(max_examples=60, deadline=None)
@given(st.lists(VERSIONS, max_size=4), st.none() | VERSIONS, st.sampled_from(["major", "minor", "patch"]))
def test_the_next_version_is_above_all_others(tags: list[Version], current: Version | None, bump: Bump) -> None:
    found = Version.parse(next_version([f"v{tag}" for tag in tags], str(current) if current else None, bump))
    assert all(found > each for each in [*tags, *([current] if current else [])])
    assert (found.prerelease, found.build) == (None, None)


@pytest.mark.parametrize(
    ("titles", "messages", "before", "expected"),
    [
        (["Say hello"], [], "0.1.0", "minor"),
        (["fix: the total"], [], "0.1.0", "patch"),
        (["fix(cli): the total", "docs: say so"], ["Merge task/1 into epic/2"], "1.4.0", "patch"),
        (["fix: the total", "feat: a new command"], [], "1.4.0", "minor"),
        (["fix: the total"], ["feat(api): one more field"], "1.4.0", "minor"),
        (["fix: the total"], ["Release v1.4.0", "Note: nothing"], "1.4.0", "minor"),
        (["feat!: another shape"], [], "1.4.0", "major"),
        (["feat!: another shape"], [], "0.4.0", "minor"),
        (["fix: x"], ["Round it\n\nBREAKING CHANGE: cents are gone"], "2.0.0", "major"),
        (["fix: x"], ["fix(core)!: round it"], "0.2.0", "minor"),
        ([], [], "1.0.0", "minor"),
    ],
)
def test_the_step_is_as_large_as_what_changed(
    titles: list[str], messages: list[str], before: str, expected: str
) -> None:
    assert bump_of(titles, messages, highest([], before)) == expected
