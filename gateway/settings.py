"""How the gateway is configured: where it listens, who may come in, what webhooks are signed with."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import Field, SecretStr, ValidationError

from ledger.rules.access import Role
from shipline.config import FromOutside
from shipline.errors import ConfigError
from shipline.redact import remember

SHORTEST = 16  # characters of a token or a secret


@dataclass(frozen=True)
class Caller:
    """Whom a token names, and what they may do."""

    name: str
    role: Role


class GatewaySettings(FromOutside):
    """``SHIPLINE_API_TOKENS`` is JSON: a name → ``role:token``. ``SHIPLINE_WEBHOOK_SECRETS``: the newest first."""

    api_tokens: dict[str, SecretStr] = Field(default_factory=dict)
    webhook_secrets: list[SecretStr] = Field(default_factory=list)

    def callers(self) -> dict[str, Caller]:
        """Who each token is; ConfigError names an entry that is not usable."""
        found: dict[str, Caller] = {}
        for name, entry in self.api_tokens.items():
            role, _, token = entry.get_secret_value().partition(":")
            if role not in list(Role) or len(token) < SHORTEST:
                raise ConfigError(
                    f"SHIPLINE_API_TOKENS has no usable entry for {name!r}.",
                    f'Write {{"NAME": "ROLE:TOKEN"}}; a role is one of {", ".join(Role)}, a token has {SHORTEST} '
                    "characters or more.",
                )
            found[token] = Caller(name, Role(role))
        return found

    def secrets(self) -> list[bytes]:
        """What a delivery may be signed with. During a rotation there are two."""
        found = [each.get_secret_value() for each in self.webhook_secrets]
        if any(len(each) < SHORTEST for each in found):
            raise ConfigError(
                f"A webhook secret has fewer than {SHORTEST} characters.", "Make one: openssl rand -hex 32"
            )
        return [each.encode() for each in found]


def load_gateway() -> GatewaySettings:
    """Read the configuration anew; ConfigError says in a sentence what does not fit."""
    try:
        settings = GatewaySettings()
    except (ValidationError, ValueError) as error:
        raise ConfigError(
            f"SHIPLINE_API_TOKENS or SHIPLINE_WEBHOOK_SECRETS is not usable: {type(error).__name__}.",
            'Both are JSON: {"NAME": "ROLE:TOKEN"} and ["SECRET"].',
        ) from None
    for secret in settings.webhook_secrets:
        remember(secret.get_secret_value())
    for token in settings.callers():
        remember(token)
    return settings
