"""Where a finding belongs, and the issue it becomes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from ledger.models import DefectOrigin, Issue, IssueStatus, IssueType
from ledger.rules.causes import cause
from ledger.rules.defects import already_filed, defect_key, fenced, make_defect, open_defects, owner_of
from ledger.rules.tree import Tree
from tests.unit.rules.helpers import AT, feature, finding, issue, node, plan_of, tree_of

S = IssueStatus
TREE = tree_of(plan_of(
    feature("f", files=["tally/"]),
    node("model", "f", files=["tally/budget.py"], requirements=["R1"]),
    node("web", "f", order_index=1, files=["web/", "tests/test_web*.py"]),
    node("guide", order_index=1, files=["docs/"]),
))  # fmt: skip
MARKDOWN = MarkdownIt()
HARD = st.text(st.sampled_from("`~\n\r #>-ab\t\\"), max_size=40) | st.text(max_size=40)


def _defect(key: str, parent: str, fingerprint: str, minute: int, status: IssueStatus = S.NEW) -> Issue:
    origin = DefectOrigin(check="tests", fingerprint=fingerprint, evidence="…")
    at = AT + timedelta(minutes=minute)
    return issue(key, parent, IssueType.DEFECT, status=status, origin=origin, created_at=at)


def test_keys_count_up_and_pass_over_what_is_taken() -> None:
    tree = TREE
    for expected in ("model.d1", "model.d2", "model.d3"):
        assert defect_key(tree, "model") == expected
        tree = Tree.of([*tree.issues, make_defect(tree, "model", finding(expected), AT)])
    assert defect_key(tree, "web") == "web.d1"
    assert defect_key(tree, "model.d1") == "model.d1.d1"
    taken = tree_of(plan_of(node("a"), node("a.d1"), node("a.d2")))
    assert defect_key(taken, "a") == "a.d3"


@pytest.mark.parametrize(
    ("path", "owner"),
    [
        ("tally/budget.py", "model"),
        ("web/app.py", "web"),
        ("./web/deep/app.py", "web"),
        ("tests/test_web_app.py", "web"),
        ("docs/guide.md", "guide"),
        ("tally/other.py", "epic"),  # features do not own, tasks do
        ("setup.py", "epic"),
        (None, "epic"),
    ],
)
def test_the_owner_is_the_task_that_declared_the_path(path: str | None, owner: str) -> None:
    assert owner_of(TREE, path) == owner


def test_of_several_owners_the_last_one_counts() -> None:
    tree = tree_of(plan_of(node("a", files=["x.py"], order_index=1), node("b", files=["x.py"]), node("c", files=["*"])))
    assert owner_of(tree, "x.py") == "a"


def test_a_defect_carries_what_its_fixer_needs() -> None:
    found = finding(title=" A  test\nfails ", path="tally/budget.py", line=3)
    defect = make_defect(TREE, "model", found, AT)
    assert (defect.key, defect.id, defect.parent, defect.type) == (
        "model.d1",
        "run/model.d1",
        "model",
        IssueType.DEFECT,
    )
    assert defect.title == "Defect: A test fails"
    assert defect.body == (
        "tests found this in `tally/budget.py`, line 3:\n\n```text\nassert 1 == 2\n```\n"
        "\nTo see it again:\n\n```text\npython -m pytest tally/budget.py\n```\n"
        "\n<!-- shipline-fingerprint:f1 -->\n"
    )
    assert defect.acceptance_criteria == ["tests no longer reports: A test fails", "Every other check still passes"]
    assert (defect.files, defect.requirements) == (["tally/budget.py"], ["R1"])
    assert defect.labels == ["shipline", "type:defect", "defect"]
    assert (defect.status, defect.created_at) == (S.NEW, AT)
    assert defect.origin == DefectOrigin(
        check="tests", fingerprint="f1", cause=cause(found), evidence="assert 1 == 2", path="tally/budget.py"
    )  # fmt: skip
    assert make_defect(TREE, "web", finding(), AT).files == ["web/", "tests/test_web*.py"]


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=300))
def test_a_title_is_one_short_line(title: str) -> None:
    made = make_defect(TREE, "model", finding(title=title), AT).title
    assert len(made) <= 100
    assert made == " ".join(made.split())
    assert made.startswith("Defect:")
    assert len(f"Defect: {' '.join(title.split())}") <= 100 or made.endswith("…")


def test_a_cut_title_does_not_end_in_a_space() -> None:
    title = make_defect(TREE, "model", finding(title="x" * 90 + " " + "y" * 50), AT).title
    assert title == f"Defect: {'x' * 90}…"


@settings(max_examples=80, deadline=None)
@given(HARD)
@example("```\n# out\n```")
@example("````\n```\n`````text\n~~~")
def test_fenced_text_cannot_be_closed_from_inside(text: str) -> None:
    (token,) = MARKDOWN.parse(fenced(text))
    assert (token.type, token.info) == ("fence", "text")
    assert token.content.split() == text.replace("\0", "\ufffd").split()


@settings(max_examples=60, deadline=None)
@given(HARD, HARD)
@example("x", "a` <b> `c")
@example("x", "`")
def test_a_body_has_a_line_and_a_block_twice_and_nothing_else(evidence: str, path: str) -> None:
    tokens = MARKDOWN.parse(make_defect(TREE, "model", finding(evidence=evidence, path=path), AT).body)
    block = ["paragraph_open", "inline", "paragraph_close", "fence"]
    assert [token.type for token in tokens] == [*block, *block, "html_block"]
    assert tokens[-1].content.strip() == "<!-- shipline-fingerprint:f1 -->"
    inside = [child.type for child in tokens[1].children or []]
    assert inside == (["text", "code_inline", "text"] if path.strip() else ["text"])


def test_already_filed_prefers_the_open_then_the_newest() -> None:
    defects = [
        _defect("model.d1", "model", "same", 1, S.DONE),
        _defect("model.d2", "model", "same", 2),
        _defect("model.d9", "model", "same", 8, S.DONE),
        _defect("web.d1", "web", "other", 4),
    ]
    assert _filed(defects, "same") == "model.d2"
    assert _filed([*defects, _defect("model.d10", "model", "same", 9)], "same") == "model.d10"
    done = [each.model_copy(update={"status": S.DONE}) for each in defects]
    assert _filed(done, "same") == "model.d9"
    ten = [_defect(f"model.d{n}", "model", "same", n, S.DONE) for n in range(1, 11)]
    assert _filed(ten, "same") == "model.d10"  # which stands before d2 in the tree
    assert already_filed(TREE, "same") is None


def _filed(defects: list[Issue], fingerprint: str) -> str:
    found = already_filed(Tree.of([*TREE.issues, *defects]), fingerprint)
    assert found is not None
    return found.key


def test_open_defects_are_found_at_and_below_a_node() -> None:
    tree = Tree.of([
        *TREE.issues, _defect("model.d1", "model", "a", 1), _defect("model.d2", "model", "b", 1, S.DONE),
        _defect("guide.d1", "guide", "c", 1),
    ])  # fmt: skip
    assert [each.key for each in open_defects(tree, "f")] == ["model.d1"]
    assert [each.key for each in open_defects(tree, "model.d1")] == ["model.d1"]
    assert [each.key for each in open_defects(tree, "epic")] == ["model.d1", "guide.d1"]
    assert open_defects(tree, "web") == []
