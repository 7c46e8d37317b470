"""GitHub Apps: who signs with which key, the installation of each owner, and the tokens that were minted."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

LONGEST = 600  # seconds that an App's own token may last
HOUR = 3600
FIRST_APP = 900_000
FIRST_INSTALLATION = 51_000_000


@dataclass(frozen=True)
class App:
    """An App: its id, what it is called, and the public half of its key as PEM."""

    id: str
    slug: str
    key: str
    manifest: dict[str, Any] = field(default_factory=dict, compare=False)

    @property
    def login(self) -> str:
        """As whom it acts."""
        return f"{self.slug}[bot]"


@dataclass(frozen=True)
class Minted:
    """A token of an installation. ``repositories`` None means all of the owner's."""

    app: App
    owner: str
    repositories: frozenset[str] | None
    until: float

    def covers(self, owner: str, name: str) -> bool:
        """Whether it is good for this repository."""
        return owner.lower() == self.owner.lower() and (self.repositories is None or name.lower() in self.repositories)


@dataclass
class Apps:
    """All of them; there is one installation for each owner that was named, under a number that is never used again."""

    known: dict[str, App] = field(default_factory=dict)
    owners: tuple[str, ...] = ()
    installed: dict[int, str] = field(default_factory=dict)
    gone: dict[int, str] = field(default_factory=dict)
    accepted: dict[int, dict[str, str]] = field(default_factory=dict)  # where an owner has not accepted all
    minted: dict[str, Minted] = field(default_factory=dict)
    codes: dict[str, tuple[App | None, str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._next = FIRST_INSTALLATION
        for owner in self.owners:
            self.install(owner)

    def install(self, owner: str) -> int:
        """The installation on an owner, made where there is none."""
        found = self.installation(owner)
        if found is None:
            found, self._next = self._next, self._next + 1
            self.installed[found] = owner
        return found

    def uninstall(self, installation: int) -> None:
        """Its tokens are good for nothing from now on."""
        owner = self.gone[installation] = self.installed.pop(installation)
        self.accepted.pop(installation, None)
        self.minted = {token: each for token, each in self.minted.items() if each.owner != owner}

    def of_jwt(self, secret: str) -> App | None:
        """The App that signed this, if it did so as GitHub asks: RS256, in force, for ten minutes at most."""
        try:
            app = self.known.get(str(jwt.decode(secret, options={"verify_signature": False}).get("iss")))
            if app is None:
                return None
            claims: dict[str, Any] = jwt.decode(
                secret,
                app.key,
                algorithms=["RS256"],
                leeway=5,
                options={"require": ["iat", "exp"], "verify_iss": False},
            )
        except jwt.InvalidTokenError:
            return None
        return app if claims["exp"] - claims["iat"] <= LONGEST else None

    def of_token(self, secret: str) -> Minted | None:
        """What a token is good for, while it is."""
        found = self.minted.get(secret)
        return found if found is not None and found.until > time.time() else None

    def found(self, owner: str, manifest: dict[str, Any]) -> tuple[App, str]:
        """A new App from a manifest, and the code with which its keys can be had, once."""
        private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        plain = serialization.NoEncryption()
        pem = private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, plain)
        form = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        slug = "-".join(str(manifest["name"]).lower().split())
        app = App(str(FIRST_APP + len(self.known)), slug, private.public_key().public_bytes(*form).decode(), manifest)
        self.known[app.id] = app
        self.owners = (*self.owners, owner) if owner not in self.owners else self.owners
        self.install(owner)
        code = secrets.token_hex(20)
        self.codes[code] = (app, pem.decode(), secrets.token_hex(20))
        return app, code

    def converted(self, code: str) -> tuple[App | None, str, str]:
        """What a code is good for; it is used up."""
        return self.codes.pop(code, (None, "", ""))

    def mint(self, app: App, owner: str, repositories: frozenset[str] | None) -> tuple[str, str]:
        """A new token and when it ends, as GitHub writes it."""
        token = f"ghs_{app.id}_{secrets.token_urlsafe(40)}"
        until = time.time() + HOUR
        self.minted[token] = Minted(app, owner, repositories, until)
        return token, datetime.fromtimestamp(until, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def installation(self, owner: str) -> int | None:
        """The installation's number on an owner."""
        return next((number for number, each in self.installed.items() if each.lower() == owner.lower()), None)

    def owner(self, installation: int) -> str | None:
        """Whose installation this is."""
        return self.installed.get(installation)
