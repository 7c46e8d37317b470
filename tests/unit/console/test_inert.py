"""Text of others is shown and never parsed."""

from __future__ import annotations

import pytest

from console.view.inert import filled, first_line, joined

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


def test_a_line_is_cut_where_it_is_said() -> None:
    assert first_line("  one\ntwo") == "one"
    assert first_line("") == ""
    assert first_line("abcdef", 4) == "abc…"
