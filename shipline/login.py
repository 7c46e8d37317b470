"""Who may come to the console: nobody but this machine, or people who log in with OpenID Connect."""

from __future__ import annotations

import ipaddress
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError

from shipline.config import FromOutside
from shipline.errors import ConfigError
from shipline.redact import remember

PARTS = ("oidc_issuer", "oidc_client_id", "oidc_client_secret", "oidc_redirect_uri", "oidc_cookie_secret")
DISCOVERY = "/.well-known/openid-configuration"  # OpenID Connect Discovery 1.0 §4
ADVICE = "docs/console.md says how a team logs in."


class Login(FromOutside):
    """``SHIPLINE_CONSOLE_*`` and ``SHIPLINE_OIDC_*``. ``console_roles`` is JSON: whom → which role."""

    console_login: Literal["none", "oidc"] = "none"
    console_address: str = "127.0.0.1"
    console_roles: dict[str, str] = Field(default_factory=dict)
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: SecretStr = SecretStr("")
    oidc_redirect_uri: str = ""
    oidc_cookie_secret: SecretStr = SecretStr("")

    @property
    def asked(self) -> bool:
        """Whether people log in."""
        return self.console_login == "oidc"

    def secrets(self) -> dict[str, Any] | None:
        """What Streamlit is told, as its ``secrets.toml`` would say it; None without a login."""
        if not self.asked:
            return None
        issuer = self.oidc_issuer.removesuffix(DISCOVERY).rstrip("/")
        return {
            "auth": {
                "redirect_uri": self.oidc_redirect_uri,
                "cookie_secret": self.oidc_cookie_secret.get_secret_value(),
                "client_id": self.oidc_client_id,
                "client_secret": self.oidc_client_secret.get_secret_value(),
                "server_metadata_url": f"{issuer}{DISCOVERY}",
            }
        }


def load_login() -> Login:
    """Read the configuration anew; ConfigError says what is missing, before anything is served."""
    try:
        login = Login()
    except (ValidationError, ValueError) as error:
        found = (
            error.errors()[0] if isinstance(error, ValidationError) else {"loc": ("console_roles",), "msg": "no JSON"}
        )
        name = "SHIPLINE_" + "_".join(str(part) for part in found["loc"]).upper()
        raise ConfigError(f"{name} is not usable: {found['msg']}.", ADVICE) from None
    if not login.asked:
        if not _is_this_machine(login.console_address):
            raise ConfigError(
                f"SHIPLINE_CONSOLE_ADDRESS is {login.console_address}, and nobody would have to log in.",
                f"Set SHIPLINE_CONSOLE_LOGIN=oidc, or leave the address at 127.0.0.1. {ADVICE}",
            )
        return login
    missing = [name for name in PARTS if not _text(getattr(login, name))]
    if missing:
        names = ", ".join(f"SHIPLINE_{name.upper()}" for name in missing)
        raise ConfigError(f"SHIPLINE_CONSOLE_LOGIN is oidc, and {names} is not set.", ADVICE)
    for secret in (login.oidc_client_secret, login.oidc_cookie_secret):
        remember(secret.get_secret_value())
    return login


def _text(value: str | SecretStr) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def _is_this_machine(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"
