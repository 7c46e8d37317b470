"""The console's login: without one it serves this machine alone; with one, what is missing is named at the start."""

from __future__ import annotations

import json

import pytest

from shipline.errors import ConfigError
from shipline.login import PARTS, load_login

WHOLE = {
    "SHIPLINE_CONSOLE_LOGIN": "oidc",
    "SHIPLINE_OIDC_ISSUER": "https://id.example.org/",
    "SHIPLINE_OIDC_CLIENT_ID": "me",
    "SHIPLINE_OIDC_CLIENT_SECRET": "a-secret-of-a-test",
    "SHIPLINE_OIDC_REDIRECT_URI": "https://s.example.org/oauth2callback",
    "SHIPLINE_OIDC_COOKIE_SECRET": "another-secret-of-a-test",
    "SHIPLINE_CONSOLE_ROLES": json.dumps({"ann@example.org": "admin"}),
}


def _set(monkeypatch: pytest.MonkeyPatch, values: dict[str, str]) -> None:
    for name, value in values.items():
        monkeypatch.setenv(name, value)


def test_without_a_login_it_serves_this_machine_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not load_login().asked
    assert load_login().secrets() is None
    for address in ("127.0.0.2", "::1", "localhost"):
        monkeypatch.setenv("SHIPLINE_CONSOLE_ADDRESS", address)
        assert load_login().console_address == address
    for address in ("0.0.0.0", "192.168.1.2", "example.org"):
        monkeypatch.setenv("SHIPLINE_CONSOLE_ADDRESS", address)
        with pytest.raises(ConfigError, match="nobody would have to log in"):
            load_login()


def test_a_whole_login_may_be_served_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    _set(monkeypatch, {**WHOLE, "SHIPLINE_CONSOLE_ADDRESS": "0.0.0.0"})
    found = load_login()
    assert found.console_roles == {"ann@example.org": "admin"}
    told = (found.secrets() or {})["auth"]
    assert told["server_metadata_url"] == "https://id.example.org/.well-known/openid-configuration"
    assert told["client_secret"] == "a-secret-of-a-test"
    assert "a-secret-of-a-test" not in repr(found)


@pytest.mark.parametrize("part", PARTS)
def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    name = f"SHIPLINE_{part.upper()}"
    _set(monkeypatch, {**WHOLE, name: ""})
    with pytest.raises(ConfigError, match=f"{name} is not set"):
        load_login()


@pytest.mark.parametrize(
    ("name", "value"), [("CONSOLE_LOGIN", "saml"), ("CONSOLE_ROLES", "ann"), ("CONSOLE_ROLES", "[]")]
)
def test_what_does_not_fit_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    _set(monkeypatch, {**WHOLE, f"SHIPLINE_{name}": value})
    with pytest.raises(ConfigError, match=f"SHIPLINE_{name} is not usable"):
        load_login()
