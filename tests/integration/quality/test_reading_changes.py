"""Reading a change with the real git."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from shipline.errors import InvalidInput
from tasks.guards import Change, FileChange, GuardContext, Status, check_guards, read_change
from tests.integration.quality.conftest import Repository, commit, git


def by_path(change: Change) -> dict[str, FileChange]:
    return {each.path: each for each in change}


def work(root: Path) -> None:
    """Change something of every kind in the working tree."""
    (root / "app.py").write_text("x = 2\n")
    (root / "gone.py").unlink()
    (root / "new file.py").write_text("y = 1\n")
    (root / "blob.bin").write_bytes(b"\0\1\2")
    (root / "large.txt").write_bytes(b"x" * 6_000_000)
    (root / "link").symlink_to("../outside")
    (root / "run.sh").chmod(0o755)


@pytest.fixture
def root(repository: Repository) -> Path:
    """A repository with a first commit."""
    return repository(
        {"app.py": "x = 1\n", "gone.py": "old\n", "run.sh": "#!/bin/sh\n", "same.py": "", "tox.ini": "[a]"}
    )


@pytest.mark.parametrize("committed", [True, False])
async def test_every_kind_of_change(root: Path, committed: bool) -> None:
    base = git(root, "rev-parse", "HEAD")
    work(root)
    head = commit(root) if committed else None
    change = await read_change(root, base, head)
    found = by_path(change)
    assert set(found) == {"app.py", "gone.py", "new file.py", "blob.bin", "large.txt", "link", "run.sh"}
    assert found["app.py"] == FileChange(
        "app.py", Status.MODIFIED, "x = 1\n", "x = 2\n", None, False, "100644", "100644", 6
    )
    assert found["gone.py"] == FileChange("gone.py", Status.DELETED, "old\n", None, None, False, "100644", "", 0)
    assert (found["new file.py"].status, found["new file.py"].new_text) == (Status.ADDED, "y = 1\n")
    assert (found["blob.bin"].binary, found["blob.bin"].size) == (True, 3)
    assert (found["large.txt"].new_text, found["large.txt"].size) == (None, 6_000_000)
    assert (found["link"].new_text, found["link"].new_mode) == ("../outside", "120000")
    assert (found["run.sh"].old_mode, found["run.sh"].new_mode) == ("100644", "100755")
    assert change.settings == {"tox.ini": "[a]"}
    guards = {(each.guard, each.path) for each in check_guards(change, GuardContext())}
    assert guards == {("outside-path", "link"), ("size", "blob.bin"), ("size", "large.txt")}


async def test_committed_and_uncommitted_work_together(root: Path) -> None:
    base = git(root, "rev-parse", "HEAD")
    (root / "first.py").write_text("")
    commit(root)
    (root / "second.py").write_text("")
    assert set(by_path(await read_change(root, base, None))) == {"first.py", "second.py"}
    assert set(by_path(await read_change(root, base, "HEAD"))) == {"first.py"}


async def test_ignored_files_are_not_part_of_it(root: Path) -> None:
    base = git(root, "rev-parse", "HEAD")
    (root / ".gitignore").write_text("*.log\n")
    (root / "x.log").write_text("")
    assert set(by_path(await read_change(root, base, None))) == {".gitignore"}


async def test_what_the_base_gained_meanwhile_is_not_ours(root: Path) -> None:
    git(root, "branch", "task")
    (root / "theirs.py").write_text("")
    base = commit(root)
    git(root, "checkout", "--quiet", "task")
    (root / "ours.py").write_text("")
    assert set(by_path(await read_change(root, base, commit(root)))) == {"ours.py"}


async def test_a_repository_inside_is_seen(root: Path) -> None:
    base = git(root, "rev-parse", "HEAD")
    (root / "inner").mkdir()
    git(root / "inner", "init", "--quiet")
    commit(root / "inner")
    found = check_guards(await read_change(root, base, None), GuardContext())
    assert {each.guard for each in found} == {"outside-path"}
    assert check_guards(await read_change(root, base, commit(root)), GuardContext())[0].guard == "outside-path"


async def test_names_that_are_not_utf8_can_be_read(root: Path) -> None:
    base = git(root, "rev-parse", "HEAD")
    (root / os.fsdecode(b"caf\xe9.txt")).write_text("x")
    assert set(by_path(await read_change(root, base, commit(root)))) == {"caf\\xe9.txt"}


async def test_nothing_in_the_clone_runs_and_nothing_lies(root: Path, tmp_path: Path) -> None:
    """An agent's clone with a monitor program, an external diff, and a replaced object that looks harmless."""
    base = git(root, "rev-parse", "HEAD")
    trap = tmp_path / "trap.sh"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\n")
    trap.chmod(0o755)
    (root / "app.py").write_text("bad = 1\n")
    head = commit(root)
    (root / "harmless").write_text("x = 1\n")
    git(root, "replace", git(root, "rev-parse", f"{head}:app.py"), git(root, "hash-object", "-w", "harmless"))
    (root / "harmless").unlink()
    git(root, "config", "core.fsmonitor", str(trap))
    git(root, "config", "diff.external", str(trap))
    for at in (head, None):
        assert by_path(await read_change(root, base, at))["app.py"].new_text == "bad = 1\n"
    assert not (tmp_path / "sprung").exists()


async def test_an_unknown_base_is_refused(root: Path) -> None:
    with pytest.raises(InvalidInput, match="no common commit"):
        await read_change(root, "0" * 39 + "1", "HEAD")
    with pytest.raises(InvalidInput, match="no common commit"):
        await read_change(root, "--output=x", "HEAD")
