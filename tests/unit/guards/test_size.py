"""How much a change may bring."""

from __future__ import annotations

from tasks.guards import FileChange, GuardContext, Status
from tasks.guards.size import size
from tests.unit.guards.helpers import added, change, edited

ANY = GuardContext()


def test_too_many_files() -> None:
    assert size(change(*(added(f"f{number}.py") for number in range(50))), ANY) == []
    (found,) = size(change(*(added(f"f{number}.py") for number in range(51))), ANY)
    assert "51 files" in found.detail


def test_too_many_lines() -> None:
    long = "".join(f"x = {number}\n" for number in range(2001))
    (found,) = size(change(added("a.py", long)), ANY)
    assert "2001 lines" in found.detail
    assert size(change(edited("a.py", long, long + "y = 1\n")), ANY) == []
    assert size(change(added("uv.lock", long)), ANY) == []


def test_a_large_file() -> None:
    (found,) = size(change(FileChange("a.txt", Status.ADDED, new_text="", size=1_000_001)), ANY)
    assert "1000001 bytes" in found.detail


def test_a_binary_file_unless_it_is_named() -> None:
    picture = FileChange("logo.png", Status.ADDED, binary=True, size=10)
    (found,) = size(change(picture), ANY)
    assert (found.guard, found.path) == ("size", "logo.png")
    assert size(change(picture), GuardContext(files=("*.png",))) == []
    assert size(change(FileChange("logo.png", Status.DELETED, binary=True)), ANY) == []
