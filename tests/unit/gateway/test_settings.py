"""Who may come in: what a configuration gives, and what is said of one that is wrong."""

from __future__ import annotations

import pytest

from gateway.settings import Caller, load_gateway
from ledger.rules.access import Role
from shipline.errors import ConfigError

TOKEN = "t" * 16


def _given(monkeypatch: pytest.MonkeyPatch, tokens: str = "{}", secrets: str = "[]") -> None:
    monkeypatch.setenv("SHIPLINE_API_TOKENS", tokens)
    monkeypatch.setenv("SHIPLINE_WEBHOOK_SECRETS", secrets)


def test_a_token_names_somebody_with_a_role(monkeypatch: pytest.MonkeyPatch) -> None:
    _given(monkeypatch, f'{{"ci": "operator:{TOKEN}"}}', '["an-example-secret-of-this-test"]')
    settings = load_gateway()
    assert settings.callers() == {TOKEN: Caller("ci", Role.OPERATOR)}
    assert settings.secrets() == [b"an-example-secret-of-this-test"]


@pytest.mark.parametrize(
    ("tokens", "secrets", "said"),
    [
        (f'{{"ci": "king:{TOKEN}"}}', "[]", "no usable entry for 'ci'"),
        ('{"ci": "operator:short"}', "[]", "no usable entry for 'ci'"),
        ('{"ci": "operator"}', "[]", "no usable entry for 'ci'"),
        ("no json", "[]", "is not usable"),
        ("{}", '"one"', "is not usable"),
        ("{}", '["short"]', "fewer than 16 characters"),
    ],
)
def test_what_is_wrong_is_said_and_never_the_secret(
    monkeypatch: pytest.MonkeyPatch, tokens: str, secrets: str, said: str
) -> None:
    _given(monkeypatch, tokens, secrets)
    with pytest.raises(ConfigError, match=said) as raised:
        load_gateway().secrets()
    assert TOKEN not in str(raised.value)
