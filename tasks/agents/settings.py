"""What the environment says of agents that think: where they are, which model, how long, what they cost."""

from __future__ import annotations

import os
import shlex
import shutil
from pathlib import Path
from typing import Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from ledger.models import AgentType
from shipline.config import FromOutside
from shipline.errors import ConfigError
from shipline.redact import remember

S = TypeVar("S", bound=FromOutside)
NVIDIA = "https://integrate.api.nvidia.com/v1"
NVIDIA_PER_MINUTE = 30  # requests; the hosted trial is commonly said to allow 40, over all models together
# Who thinks before it answers, unless SHIPLINE_PLANNER_ROLES says otherwise: those who weigh one thing against another.
THINKERS = frozenset({AgentType.ROADMAP_DECOMPOSER, AgentType.ISSUE_PLANNER, AgentType.SECURITY_AUDITOR})


class Role(BaseModel):
    """What one planning agent has of its own. ``key_from`` names the variable that holds its endpoint's key."""

    model_config = ConfigDict(extra="forbid")

    url: str | None = None
    model: str | None = None
    key_from: str | None = None
    reasoning: bool | None = None
    reasoning_budget: int | None = Field(default=None, ge=0)


class PlannerSettings(FromOutside):
    """``SHIPLINE_PLANNER_*``. Prices are US dollars for a million tokens."""

    planner_url: str = NVIDIA
    planner_model: str = "nvidia/nemotron-3-super-120b-a12b"
    planner_key: SecretStr | None = Field(
        default=None, validation_alias=AliasChoices("SHIPLINE_PLANNER_KEY", "NVIDIA_API_KEY", "planner_key")
    )
    planner_roles: dict[AgentType, Role] = Field(default_factory=dict)
    planner_seconds: float = Field(default=300, gt=0)
    planner_per_minute: int | None = Field(default=None, ge=0)
    planner_output_tokens: int = Field(default=16_000, ge=256)
    planner_reasoning_budget: int = Field(default=4_000, ge=0)
    planner_repairs: int = Field(default=2, ge=0, le=10)
    planner_usd_in: float = Field(default=0, ge=0)
    planner_usd_out: float = Field(default=0, ge=0)

    @field_validator("planner_key", mode="before")
    @classmethod
    def _empty_is_none(cls, given: object) -> object:
        return given or None  # as a compose file gives what is not set


class Endpoint(BaseModel):
    """Where one planning agent is asked. ``per_minute`` is 0 where nobody counts."""

    url: str
    model: str
    key: SecretStr | None
    reasoning: bool
    reasoning_budget: int
    per_minute: int
    switchable: bool  # whether the model is told to think or not to


def planner_settings() -> PlannerSettings:
    """Read them anew; a value that does not fit is named in one sentence."""
    found = _read(PlannerSettings)
    if found.planner_key:
        remember(found.planner_key.get_secret_value())
    return found


def _read(kind: type[S]) -> S:
    try:
        return kind()
    except ValidationError as error:
        first = error.errors()[0]
        name = "SHIPLINE_" + "_".join(str(part) for part in first["loc"]).upper()
        raise ConfigError(f"{name} is not usable: {first['msg']}.", "docs/agents.md shows what it holds.") from None


def endpoint_of(settings: PlannerSettings, who: AgentType) -> Endpoint:
    """Where ``who`` is asked. A key goes to the endpoint that it was given for, and to no other."""
    role = settings.planner_roles.get(who, Role())
    url, model = (role.url or settings.planner_url).rstrip("/"), role.model or settings.planner_model
    key = settings.planner_key if url == settings.planner_url.rstrip("/") else None
    if role.key_from:
        found = os.environ.get(role.key_from, "")
        if not found:
            raise ConfigError(
                f"{who.value} is to use the key in {role.key_from}, which is not set.", "Set it, or leave key_from out."
            )
        remember(found)
        key = SecretStr(found)
    hosted = urlsplit(url).hostname == urlsplit(NVIDIA).hostname
    if hosted and key is None:
        raise ConfigError(
            "NVIDIA's models need a key.", "Set NVIDIA_API_KEY, or SHIPLINE_PLANNER_URL to an endpoint of your own."
        )
    limit = settings.planner_per_minute
    return Endpoint(
        url=url, model=model, key=key,
        reasoning=role.reasoning if role.reasoning is not None else who in THINKERS,
        reasoning_budget=(
            role.reasoning_budget if role.reasoning_budget is not None else settings.planner_reasoning_budget
        ),
        per_minute=limit if limit is not None else (NVIDIA_PER_MINUTE if hosted else 0),
        switchable=role.reasoning is not None or "nemotron" in model.lower(),
    )  # fmt: skip


class CoderSettings(FromOutside):
    """``SHIPLINE_CODER``'s own: where coding agents are and how long they may work. Prices as the planner's."""

    cursor_api_url: str = "https://api.cursor.com"
    cursor_api_key: SecretStr | None = Field(
        default=None, validation_alias=AliasChoices("CURSOR_API_KEY", "SHIPLINE_CURSOR_API_KEY", "cursor_api_key")
    )
    cursor_model: str | None = None
    acp_command: str | None = None
    acp_auth: str | None = None  # the id of the way to sign in that a local agent is told to take
    acp_hosts: list[str] = Field(default_factory=list)  # NAME:PORT that it may reach from behind its fence
    acp_paths: list[str] = Field(default_factory=list)  # what it may read there besides; PATH:rw to write it too
    acp_fence: Literal["auto", "required", "off"] = "auto"
    coder_url: str | None = None  # of the http adapter
    coder_token: SecretStr | None = None
    acp_env: list[str] = Field(default_factory=list)  # the names of variables that a local agent is given
    agent_seconds: float = Field(default=3600, gt=0)
    coder_usd_in: float = Field(default=0, ge=0)
    coder_usd_out: float = Field(default=0, ge=0)

    @field_validator("acp_hosts")
    @classmethod
    def _with_port(cls, hosts: list[str]) -> list[str]:
        for each in hosts:
            name, _, port = each.rpartition(":")
            if not name or not port.isdecimal():
                raise ValueError(f"{each!r} is not NAME:PORT")
        return [each.lower() for each in hosts]

    @field_validator("cursor_api_key", "coder_token", mode="before")
    @classmethod
    def _empty_is_none(cls, given: object) -> object:
        return given or None  # as a compose file gives what is not set

    def paths(self, *, writable: bool) -> tuple[Path, ...]:
        """Those of ``acp_paths`` that a local agent may write, or may only read."""
        named = [(each.removesuffix(":rw"), each.endswith(":rw")) for each in self.acp_paths]
        return tuple(Path(path).expanduser() for path, writes in named if writes is writable)

    def require_cursor_key(self) -> str:
        """Cursor's key, or a sentence that says how to give one."""
        if self.cursor_api_key is None:
            raise ConfigError("Cursor's agents need a key.", "Set CURSOR_API_KEY (docs/agents.md).")
        return self.cursor_api_key.get_secret_value()

    def require_coder_url(self) -> str:
        """Where the http adapter asks, or a sentence that says how to set it."""
        if not (self.coder_url or "").startswith(("http://", "https://")):
            raise ConfigError(
                "No server is named for coding agents.",
                "Set SHIPLINE_CODER_URL to the address of a gateway, for example https://shipline.example.com.",
            )
        return str(self.coder_url).rstrip("/")

    def require_acp_command(self) -> list[str]:
        """The local agent's command, divided as a shell would, or a sentence that says what is wrong with it."""
        try:
            argv = shlex.split(self.acp_command or "")
        except ValueError as error:
            raise ConfigError(f"SHIPLINE_ACP_COMMAND is no command ({error}).", "Close its quotes.") from None
        if not argv:
            raise ConfigError("No local agent is named.", "Set SHIPLINE_ACP_COMMAND, for example to `agent acp`.")
        if shutil.which(argv[0]) is None:
            raise ConfigError(f"{argv[0]} is not installed.", "Install it, or correct SHIPLINE_ACP_COMMAND.")
        return argv


def web_url(github_api_url: str) -> str:
    """What comes before OWNER/NAME in an address that is cloned: of GitHub, of an Enterprise Server, of the sandbox."""
    if urlsplit(github_api_url).hostname == "api.github.com":
        return "https://github.com"
    return github_api_url.rstrip("/").removesuffix("/api/v3")


def coder_settings() -> CoderSettings:
    """Read them anew."""
    found = _read(CoderSettings)
    if found.cursor_api_key:
        remember(found.cursor_api_key.get_secret_value())
    return found
