"""Text of others is shown and never parsed."""

from __future__ import annotations

import re

import pytest
from markdown_it import MarkdownIt

from console.view.inert import JOINER, filled, first_line, joined, previewed, quoted

NASTY = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "'><svg onload=alert(1)>", '" onmouseover="x',
    "{run}", "{0.__class__}", "</pre><h1>", "&lt;b&gt;",
]  # fmt: skip


@pytest.mark.parametrize("text", NASTY)
def test_nothing_of_it_is_left_that_a_browser_reads(text: str) -> None:
    made = filled("<b title='{text}'>{text}</b>", text=text)
    inside = made.removeprefix("<b title='").removesuffix("</b>")
    assert not set("<>\"'") & set(inside.replace("'>", "", 1))
    assert "&amp;lt;" in made if text.startswith("&") else True
    assert joined([made, made]) == made * 2


@pytest.mark.parametrize("text", [*NASTY, "http://example.org/x", "www.example.org", "a@example.org", "![x](y)", "$x$"])
def test_quoted_text_means_nothing_in_markdown(text: str) -> None:
    made = quoted(text)
    sign = r"[!-/:-@\[-`{-~]"
    assert not re.search(sign, re.sub(rf"\\{sign}", "", made))  # each stands behind a backslash
    shown = re.sub(rf"\\({sign})", r"\1", made)
    assert shown.replace(JOINER, "") == text
    assert not re.search(r"://|www\.|\w@", shown)


def test_a_line_is_cut_where_it_is_said() -> None:
    assert first_line("  one\ntwo") == "one"
    assert first_line("") == ""
    assert first_line("abcdef", 4) == "abc…"


@pytest.mark.parametrize(
    "text",
    [
        "[a](http://x/y)", "[a][b]\n\n[b]: http://x/y", "[b]\n\n[b]: http://x/y", "<http://x/y>", "![p](http://x/p.png)",
        "<a href='http://x'>a</a>", "http://x/y", "![p][b]\n\n[b]: http://x/y", "[![p](http://x/p.png)](http://x/y)",
        "<a@x.org>",
    ],
)  # fmt: skip
def test_a_preview_leads_nowhere(text: str) -> None:
    reader = MarkdownIt("gfm-like", {"html": True, "linkify": False})
    assert "<a" not in reader.render(previewed(text))
    assert "<img" not in reader.render(previewed(text))


def test_a_preview_reads_as_it_will() -> None:
    assert MarkdownIt().render(previewed("# Head\n\n- **one**\n- `two`")).count("<") == 12
