"""What Shipline and a workflow say to each other: signed, and of ten keys at most."""

from __future__ import annotations

import json

import pytest

from gha.messages import (
    INLINE,
    Outcome,
    Request,
    Result,
    as_comment,
    in_comment,
    key_for,
    read_outcome,
    read_request,
    sign,
    sign_request,
)
from shipline.errors import InvalidInput
from tasks.actions.concluding import Done, conclude, for_callback

SECRET = "a-dispatch-secret"
OUTCOME = Outcome(
    dispatch_id="0192f0c1-2f2f-7000-8000-000000000001", run_id="r-20261123-abcdef", node_id="csv", phase="EXECUTING",
    state="COMPLETED", metrics={"tests.passed": 17.0}, result=Result(sha256="ab" * 32, body="{}"),
)  # fmt: skip


def test_what_is_signed_is_read_back_even_when_numbers_are_written_otherwise() -> None:
    sent = sign(OUTCOME, SECRET)
    told = json.loads(json.dumps(sent).replace("17.0", "17").replace('"progress": 1.0', '"progress": 1'))
    assert read_outcome(told, SECRET) == OUTCOME


@pytest.mark.parametrize(
    "change",
    [{"state": "FAILED"}, {"runId": "r-20261123-zzzzzz"}, {"nodeId": "other"}, {"signature": ""}, {"phase": "QA"},
     {"result": {"sha256": "cd" * 32, "body": "{}"}}, {"result": {"sha256": "ab" * 32, "body": "{}", "error": "x"}},
     {"dispatchId": "another"}, {"surprise": 1}],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_what_was_changed_on_the_way_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        read_outcome({**sign(OUTCOME, SECRET), **change}, SECRET)


def test_another_secret_is_refused_and_says_what_to_do() -> None:
    with pytest.raises(InvalidInput, match="SHIPLINE_DISPATCH_SECRET must be the same"):
        read_outcome(sign(OUTCOME, "another"), SECRET)


def test_a_callback_has_ten_keys_and_leaves_what_is_large_to_the_artifact() -> None:
    small, large = (
        sign(conclude("d", "r", "n", Done(state="COMPLETED", body="x" * count)), SECRET)
        for count in (INLINE, INLINE + 1)
    )
    assert len(for_callback(small)) == 10
    assert for_callback(small)["result"]["body"] == "x" * INLINE
    assert for_callback(large)["result"]["body"] is None
    assert large["result"]["body"] is not None  # the artifact has it
    assert read_outcome(for_callback(large), SECRET).result.sha256 == large["result"]["sha256"]


def test_the_keys_of_job_and_controls_differ() -> None:
    assert len({key_for("job", "a", SECRET), key_for("controls", "a", SECRET), key_for("job", "b", SECRET)}) == 3


def test_a_comment_carries_an_outcome_in_a_block() -> None:
    sent = sign(OUTCOME, SECRET)
    assert in_comment(as_comment(sent)) == sent
    assert in_comment("```json\n{}\n```") is None
    with pytest.raises(InvalidInput):
        in_comment("```json shipline\n{nonsense}\n```")


REQUEST = Request(
    type="orchestrator.cancel", dispatch_id="0192f0c1-2f2f-7000-8000-000000000001", run_id="r-20261123-abcdef",
    repo="o/r", params={"coverageTarget": 0.8, "at most": [1.0, {"n": 3}]},
)  # fmt: skip


def asked(**changed: object) -> dict[str, object]:
    """The event that a runner gets."""
    payload = {**sign_request(REQUEST, SECRET), **changed}
    return {"action": "orchestrator.cancel", "client_payload": payload}


def test_a_request_is_read_back_even_when_numbers_are_written_otherwise() -> None:
    assert len(sign_request(REQUEST, SECRET)) <= 10
    assert read_request(json.loads(json.dumps(asked()).replace("1.0", "1")), SECRET) == REQUEST


@pytest.mark.parametrize(
    "event",
    [asked(runId="r-20261123-zzzzzz"), asked(params={}), asked(signature=""), asked(surprise=1),
     asked(type="orchestrator.pause"), {**asked(), "action": "deploy.request"}, {"action": "orchestrator.cancel"}],
    ids=("run", "params", "unsigned", "more", "another type", "moved", "empty"),
)  # fmt: skip
def test_a_request_that_was_changed_moved_or_not_signed_is_refused(event: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        read_request(event, SECRET)


def test_every_type_that_can_be_sent_is_taken_by_the_pack() -> None:
    from tasks.dispatching import TYPES
    from tests.unit.gha.test_pack import parsed

    taken = parsed(".github/workflows/orchestrator.yml")["on"]["repository_dispatch"]["types"]
    assert sorted(TYPES) == sorted(taken)
