"""Process configuration: the environment first, then the running stack's own file, then the defaults."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, ClassVar, Literal

import psutil
from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SecretsSettingsSource, SettingsConfigDict

from shipline.errors import ConfigError
from shipline.redact import remember

STACK_FILE = "stack.json"


def home() -> Path:
    """The folder that holds all state of this machine's Shipline (``SHIPLINE_HOME``, else ``~/.shipline``)."""
    return Path(os.environ.get("SHIPLINE_HOME") or "~/.shipline").expanduser().resolve()


def running_stack(base: Path) -> dict[str, Any]:
    """What the running local stack says of itself (addresses, pid), or nothing when none is running.

    ``shipline up`` writes the file and removes it when it ends. After a SIGKILL it stays, so the pid is checked.
    """
    try:
        found = json.loads((base / STACK_FILE).read_text())
    except (OSError, ValueError):
        return {}
    if not isinstance(found, dict) or not psutil.pid_exists(int(found.get("pid", -1))):
        return {}
    return found


def secret_files(settings: type[BaseSettings]) -> list[PydanticBaseSettingsSource]:
    """The folder ``SHIPLINE_SECRETS_DIR``: a file for each setting, named as its variable; none unless it is set."""
    folder = os.environ.get("SHIPLINE_SECRETS_DIR")
    return [SecretsSettingsSource(settings, secrets_dir=folder)] if folder else []


class _StackFile(PydanticBaseSettingsSource):
    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        raise NotImplementedError("values are given all at once by __call__")

    def __call__(self) -> dict[str, Any]:
        known = self.settings_cls.model_fields
        return {key: value for key, value in running_stack(home()).items() if key in known}


class FromOutside(BaseSettings):
    """Settings from the environment, then from files of secrets, then from whatever ``LAST`` names."""

    model_config = SettingsConfigDict(env_prefix="SHIPLINE_", extra="ignore", populate_by_name=True)
    LAST: ClassVar[tuple[type[PydanticBaseSettingsSource], ...]] = ()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        last = (source(settings_cls) for source in cls.LAST)
        return init_settings, env_settings, *secret_files(settings_cls), *last


class Settings(FromOutside):
    """Everything the environment can say. Times are seconds, addresses are URLs."""

    LAST = (_StackFile,)

    home: Path = Field(default_factory=home)
    mongodb_uri: str | None = None
    database: str = "shipline"
    prefect_api_url: str | None = Field(
        default=None, validation_alias=AliasChoices("PREFECT_API_URL", "prefect_api_url")
    )
    github_api_url: str = "https://api.github.com"
    github_token: SecretStr | None = None
    gateway_url: str | None = None
    dispatch_secret: SecretStr | None = None  # what dispatches to workflows are signed with
    actions_seconds: float = Field(default=3600, gt=0)  # how long a step in GitHub Actions may take, queue and all
    checks_seconds: float = Field(default=7200, gt=0)  # how long a merge waits for required checks
    actions_hello_seconds: float = Field(default=600, gt=0)  # and the first answer
    github_app_id: str | None = None
    github_app_key: Path | None = None  # the App's private key, a PEM file
    github_timeout: float = Field(default=30, gt=0)
    github_writes_per_minute: int | None = None  # 0: no limit; not set: GitHub's, except for the stack's own sandbox
    github_writes_per_hour: int | None = None
    planner: str = "recorded"
    coder: str = "recorded"
    context_tokens: int = Field(default=30_000, ge=1_000)  # about how much an agent is given to read
    recordings: Path | None = None
    strict_replay: bool = False
    max_parallel: int = Field(default=4, ge=1, le=64)
    max_parallel_total: int = Field(default=8, ge=1, le=256)
    leaves: Literal["in-process", "work-pool"] = "in-process"
    test_timeout: float = Field(default=600, gt=0)
    osv_url: str | None = None  # a database of vulnerabilities that speaks OSV's API, such as https://api.osv.dev
    test_fence: Literal["auto", "off"] = "auto"  # around the tests of a repository, where bwrap is
    lease_seconds: float = Field(default=30, ge=2, le=3600)
    keep_logs_days: float = Field(default=30, gt=0)
    keep_events_days: float = Field(default=90, gt=0)

    @field_validator("github_writes_per_minute", "github_writes_per_hour")
    @classmethod
    def _none_or_enough(cls, limit: int | None) -> int | None:
        if limit is not None and limit != 0 and limit < 3:
            raise ValueError("it is 0 (no limit) or at least 3")
        return limit

    def require_mongodb(self) -> str:
        """The ledger's address, or a sentence that says how to get one."""
        if not self.mongodb_uri:
            raise ConfigError(
                "No ledger is configured.", "Start the local stack (`shipline up`) or set SHIPLINE_MONGODB_URI."
            )
        return self.mongodb_uri

    def require_prefect(self) -> str:
        """The Prefect API's address, or a sentence that says how to get one."""
        if not self.prefect_api_url:
            raise ConfigError(
                "No Prefect server is configured.", "Start the local stack (`shipline up`) or set PREFECT_API_URL."
            )
        return self.prefect_api_url

    def require_token(self) -> str:
        """The GitHub token, or a sentence that says how to give one."""
        if not self.github_token:
            raise ConfigError(
                "No GitHub token is configured.", "Set SHIPLINE_GITHUB_TOKEN (for the sandbox: `shipline up`)."
            )
        return self.github_token.get_secret_value()


def load_settings() -> Settings:
    """Read the configuration anew; a value that does not fit is named in one sentence."""
    try:
        settings = Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "SHIPLINE_" + "_".join(str(part) for part in first["loc"]).upper()
        raise ConfigError(
            f"{name} is not usable: {first['msg']}.", "See the configuration table in the README."
        ) from None
    for secret in (settings.github_token, settings.dispatch_secret):
        if secret:
            remember(secret.get_secret_value())
    return settings
