"""One cause is one defect, whichever check sees it; and the same failure is known again."""

from __future__ import annotations

import pytest

from ledger.models import Finding
from ledger.rules.causes import cause, one_each, reproduction, signature
from ledger.rules.defects import already_filed, make_defect
from ledger.rules.tree import Tree
from tests.unit.rules.helpers import AT, finding, issue, node, plan_of, tree_of

PLACE = {"path": "app.py", "line": 7}


@pytest.mark.parametrize(
    ("found", "command"),
    [
        (finding(title="tests/test_a.py::T::test_it fails"), "python -m pytest tests/test_a.py::T::test_it"),
        (finding(title="tests/a.py::t[x y] fails (and 2 more)"), "python -m pytest 'tests/a.py::t[x y]'"),
        (finding(title="No tests", path=None), "python -m pytest"),
        (finding(check="sast", path="a b.py"), "bandit -r 'a b.py'"),
        (finding(check="coverage", path="a.py"), "python -m pytest --cov"),
        (finding(check="lint", path="$(rm -rf).py"), "ruff check '$(rm -rf).py'"),
        (finding(check="review"), ""),
    ],
)
def test_a_command_shows_it_again(found: Finding, command: str) -> None:
    assert reproduction(found) == command


def test_a_test_has_one_cause_and_so_has_a_line() -> None:
    one, many = finding("a", title="t.py::x fails"), finding("b", title="t.py::x fails (and 2 more)", line=9)
    assert cause(one) == cause(many) != cause(finding("c", title="t.py::y fails"))
    seen = [finding("s", check="sast", **PLACE), finding("t", check="secrets", **PLACE)]
    assert cause(seen[0]) == cause(seen[1])
    assert cause(finding("f1", path="app.py")) == "f1"  # a file is no place


def test_findings_of_one_cause_are_one_with_all_the_evidence() -> None:
    first = finding("s", check="sast", title="B105", evidence="password = …", **PLACE)
    other = finding("t", check="secrets", title="A secret in app.py", evidence="not quoted", **PLACE)
    alone = finding("u", title="t.py::x fails")
    together, still = one_each([first, alone, other])
    assert still == alone
    assert (together.check, together.fingerprint) == ("sast", "s")
    assert together.evidence == "password = …\n\nsecrets sees it too: A secret in app.py\nnot quoted"


def test_a_cause_that_another_check_filed_is_filed() -> None:
    tree = tree_of(plan_of(node("a")))
    filed = make_defect(tree, "a", finding("s", check="sast", **PLACE), AT)
    tree = Tree.of([*tree.issues, filed])
    other = finding("t", check="secrets", **PLACE)
    assert already_filed(tree, other.fingerprint) is None
    assert already_filed(tree, other.fingerprint, cause(other)) == filed
    assert already_filed(Tree.of([issue("x", None)]), "t", cause(other)) is None


def test_the_same_failure_is_known_again_whatever_varies() -> None:
    told = "E assert 1 == 2 at 0x7f00aa after 0.31 s in 1234567"
    again = "E assert 1 == 2 at 0x7f11bb after 0.42 s  in 89abcde"
    assert signature(finding(evidence=told)) == signature(finding(evidence=again))
    assert signature(finding(evidence=told)) != signature(finding(evidence="E assert 'a' == 'b'"))
    assert signature(finding(title="a fails")) != signature(finding(title="b fails"))
