"""The planner against an endpoint that answers as NVIDIA's does, over real connections."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.models import AgentInput, AgentJob, AgentType, Size, Spec
from shipline.errors import AgentError, ConfigError, Unavailable
from tasks.agents import nemotron, refusals
from tasks.agents.nemotron import Nemotron
from tasks.answers import Criteria
from tests.services.nim import DEGRADED, GONE, KEY, REFUSED, TOO_MANY, Nim, Says
from tests.services.served import served

GOOD = json.dumps({"criteria": {"hello": ["It says hello"]}})
PROMPT = "You are Shipline's Acceptance Criteria Author, the agent that writes them."


@pytest.fixture
def nim(monkeypatch: pytest.MonkeyPatch) -> Iterator[Nim]:
    """The endpoint, configured; pauses that we choose ourselves take no time."""
    made = Nim(answer=lambda _: GOOD)
    monkeypatch.setattr(refusals, "pause", lambda _: 0.01)
    monkeypatch.setenv("NVIDIA_API_KEY", KEY)
    with served(made.app) as url:
        monkeypatch.setenv("SHIPLINE_PLANNER_URL", f"{url}/v1")
        yield made


def job(who: AgentType = AgentType.ACCEPTANCE_CRITERIA_AUTHOR) -> AgentJob:
    asked = AgentInput(repo="demo/tally", objective="Write")
    return AgentJob(type=who, idea="An idea", size=Size.SMALL, node_key="run", input=asked, context=PROMPT)


async def test_the_shape_goes_along_as_a_json_schema(nim: Nim) -> None:
    result = await Nemotron().ask(job(), Criteria)
    assert result.output.answer == json.loads(GOOD)
    (asked,) = nim.asked
    shape = asked["response_format"]["json_schema"]["schema"]
    assert shape["required"] == ["criteria"]
    assert asked["messages"] == [{"role": "user", "content": PROMPT}]
    assert nim.keys == [f"Bearer {KEY}"]
    assert (result.usage.input_tokens, result.usage.output_tokens) == nim.used[0]
    assert not result.replayed


async def test_who_weighs_things_thinks_first_and_others_are_told_not_to(nim: Nim) -> None:
    await Nemotron().ask(job(), Criteria)
    thought = await Nemotron().ask(job(AgentType.ISSUE_PLANNER), Criteria)
    assert [each["chat_template_kwargs"]["enable_thinking"] for each in nim.asked] == [False, True]
    assert ["reasoning_budget" in each for each in nim.asked] == [False, True]
    assert thought.output.notes == "Let me see."


async def test_an_answer_that_does_not_fit_is_fed_back_and_repaired(nim: Nim) -> None:
    nim.script.extend([Says("Sure! Here you go:"), Says('{"criteria": [1]}')])
    result = await Nemotron().ask(job(), Criteria)
    assert result.output.answer == json.loads(GOOD)
    assert len(nim.asked) == 3
    last = nim.asked[-1]["messages"]
    assert [each["role"] for each in last] == ["user", "assistant", "user", "assistant", "user"]
    assert "Input should be an object" in last[-1]["content"]
    assert result.usage.input_tokens == sum(took for took, _ in nim.used)
    assert result.usage.output_tokens == sum(gave for _, gave in nim.used)


async def test_repairs_have_a_bound(nim: Nim, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHIPLINE_PLANNER_REPAIRS", "1")
    nim.script.extend([Says("{}"), Says("{}"), Says("{}")])
    with pytest.raises(AgentError, match="no answer of the asked shape, and 1 corrections did not help"):
        await Nemotron().ask(job(), Criteria)
    assert len(nim.asked) == 2


async def test_an_answer_that_was_cut_off_says_so(nim: Nim) -> None:
    nim.script.extend([Says('{"criteria": {"a": ["b', finish="length")] * 3)
    with pytest.raises(AgentError, match="cut off after 16000 tokens"):
        await Nemotron().ask(job(), Criteria)


@pytest.mark.parametrize(
    "fault",
    [
        Says(status=429, body=TOO_MANY, headers={"Retry-After": "1"}), Says(status=429, body=TOO_MANY),
        Says(status=500, body="boom"), Says(status=503, body={"error": "busy"}), Says(status=400, body=DEGRADED),
        Says(closes=True),
    ],
)  # fmt: skip
async def test_what_heals_is_asked_again(nim: Nim, fault: Says) -> None:
    nim.script.extend([fault, fault])
    result = await Nemotron().ask(job(), Criteria)
    assert result.output.answer == json.loads(GOOD)
    assert len(nim.asked) == 3


async def test_what_stays_away_ends_in_words(nim: Nim) -> None:
    nim.script.extend([Says(status=503, body={"error": "busy"})] * 9)
    with pytest.raises(Unavailable, match=r"answered 503 \(busy\)"):
        await Nemotron().ask(job(), Criteria)
    assert len(nim.asked) == 5


@pytest.mark.parametrize(
    ("says", "kind", "words"),
    [
        (Says(status=404, body=GONE), ConfigError, "has no model"),
        (Says(status=400, body=REFUSED), AgentError, "max_tokens is too large"),
    ],
)
async def test_what_does_not_heal_ends_at_once(nim: Nim, says: Says, kind: type[Exception], words: str) -> None:
    nim.script.append(says)
    with pytest.raises(kind, match=words):
        await Nemotron().ask(job(), Criteria)
    assert len(nim.asked) == 1


async def test_a_wrong_key_and_a_wrong_model_say_what_to_set(nim: Nim, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NVIDIA_API_KEY", "nvapi-another")
    with pytest.raises(ConfigError, match="does not take our key") as refused:
        await Nemotron().ask(job(), Criteria)
    assert "NVIDIA_API_KEY" in refused.value.hint
    monkeypatch.setenv("NVIDIA_API_KEY", KEY)
    monkeypatch.setenv("SHIPLINE_PLANNER_MODEL", "nvidia/nemotron-of-last-year")
    with pytest.raises(ConfigError, match=r"no model nvidia/nemotron-of-last-year \(Function 'f1'"):
        await Nemotron().ask(job(), Criteria)


async def test_nvidia_without_a_key_is_not_even_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NVIDIA_API_KEY", raising=False)
    with pytest.raises(ConfigError, match="need a key"):
        await Nemotron().ask(job(), Criteria)


async def test_a_role_may_have_an_endpoint_of_its_own_and_our_key_stays_here(
    nim: Nim, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = Nim(answer=lambda _: GOOD)
    with served(other.app) as url:
        roles = {"acceptance-criteria-author": {"url": f"{url}/v1", "reasoning": True, "reasoning_budget": 7}}
        monkeypatch.setenv("SHIPLINE_PLANNER_ROLES", json.dumps(roles))
        with pytest.raises(ConfigError, match="does not take our key"):
            await Nemotron().ask(job(), Criteria)
        assert other.keys == ["Bearer none"]
        monkeypatch.setenv("THEIR_KEY", KEY)
        roles["acceptance-criteria-author"]["key_from"] = "THEIR_KEY"
        monkeypatch.setenv("SHIPLINE_PLANNER_ROLES", json.dumps(roles))
        await Nemotron().ask(job(), Criteria)
    assert other.asked[-1]["reasoning_budget"] == 7
    assert nim.asked == []


async def test_what_the_settings_say_wrongly_is_named(nim: Nim, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHIPLINE_PLANNER_ROLES", json.dumps({"nobody": {}}))
    with pytest.raises(ConfigError, match="SHIPLINE_PLANNER_ROLES_NOBODY"):
        await Nemotron().ask(job(), Criteria)


async def test_it_asks_no_faster_than_it_may(nim: Nim, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setenv("SHIPLINE_PLANNER_PER_MINUTE", "30")
    monkeypatch.setattr(nemotron, "sleep", sleep)
    for _ in range(3):
        await Nemotron().ask(job(), Criteria)
    assert [round(each / 2) for each in waits] == [0, 1, 2]


async def test_every_shape_that_is_asked_for_fits_a_schema(nim: Nim) -> None:
    nim.script.append(Says(json.dumps({
        "title": "T", "problem": "P", "goals": ["G"], "requirements": [{"id": "R1", "text": "X"}],
        "acceptanceCriteria": ["A"], "nonGoals": ["N"],
    })))  # fmt: skip
    found = (await Nemotron().ask(job(AgentType.SPEC_WRITER), Spec)).output.answer
    assert found is not None
    assert found["nonGoals"] == ["N"]
