"""Slash commands: what is one, what it names, and what is said of a wrong one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.rules.slash import RUN_ID, USAGE, Command, Verb, help_text, parse
from shipline.errors import InvalidInput
from shipline.ids import new_run_id

RUN = "r-20261123-7k3f9q"


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("/help", Command(Verb.HELP)),
        ("  /STATUS ", Command(Verb.STATUS)),
        (f"/pause {RUN} lunch time", Command(Verb.PAUSE, RUN, "lunch time")),
        ("/pause lunch time", Command(Verb.PAUSE, None, "lunch time")),
        (f"/resume {RUN}", Command(Verb.RESUME, RUN)),
        (f"/retry #12 {RUN}", Command(Verb.RETRY, RUN, "#12")),
        ("/retry app.d1", Command(Verb.RETRY, None, "app.d1")),
        ("/run\nLet it\n say hello.", Command(Verb.RUN, None, "Let it\n say hello.")),
    ],
)
def test_a_command_names_what_it_is_about(line: str, command: Command) -> None:
    assert parse(line) == command


@given(st.text())
def test_what_does_not_begin_with_a_slash_is_no_command(text: str) -> None:
    if not text.strip().startswith("/"):
        assert parse(text) is None


@given(st.text())
def test_any_line_is_a_command_or_an_error_in_words(text: str) -> None:
    try:
        command = parse(f"/{text}")
    except InvalidInput as error:
        assert error.message
        assert error.hint
    else:
        assert command is not None


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("/", "There is no command /. /help lists the commands."),
        ("/resum", "Did you mean /resume?"),
        ("/re", "Did you mean /resume or /retry?"),
        ("/cancle", "Did you mean /cancel?"),
        ("/retry", "/retry needs more. Write /retry ISSUE [RUN]."),
        ("/run  ", "/run needs more."),
        ("/resume tomorrow", "'tomorrow' is no run. Write /resume [RUN]."),
        (f"/retry a {RUN} b", "is no run"),
        ("/retry a b", "'b' is no run"),
    ],
)
def test_a_wrong_command_is_told_what_it_lacks(line: str, said: str) -> None:
    with pytest.raises(InvalidInput) as error:
        parse(line)
    assert said in str(error.value)


def test_every_verb_is_explained() -> None:
    assert set(USAGE) == set(Verb)
    assert all(each.form in help_text() for each in USAGE.values())
    assert RUN_ID.match(new_run_id())
