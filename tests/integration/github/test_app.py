"""A GitHub App on the sandbox: installation tokens, narrowed to one repository, for REST, GraphQL and git."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from deployments.doctor import checks
from ledger.models import Handshake, now
from shipline.config import Settings
from shipline.errors import ConfigError, InvalidInput, NotFound
from tasks.context import close_context, context
from tasks.github.client import GitHubHost
from tasks.github.founding import begin_app, manifest, renew_secret
from tasks.github.identity import PERMISSIONS, AppIdentity, identity_of
from tasks.github.installing import begin, finish
from tasks.github.repo import Repo
from tests.integration.sandbox.support import TOKEN, Server

APP = "424242"


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    """The App's private key."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="module")
def pem(key: rsa.RSAPrivateKey) -> str:
    """The same, as GitHub gives it."""
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*form).decode()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, key: rsa.RSAPrivateKey) -> Iterator[Server]:
    """A sandbox that knows the App, which is installed on the operator's repositories."""
    folder = tmp_path_factory.mktemp("app")
    form = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    (folder / "app.pem").write_bytes(key.public_key().public_bytes(*form))
    (folder / "seed").mkdir()
    (folder / "seed" / "README.md").write_text("Hello\n")
    made = Server(folder / "data", folder / "seed", "--app", f"{APP}={folder / 'app.pem'}")
    with httpx.Client(base_url=made.url, headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        for name in ("one", "two"):
            client.post("/user/repos", json={"name": name, "auto_init": True}).raise_for_status()
    yield made
    made.stop()


@pytest.fixture
async def host(server: Server, pem: str) -> AsyncIterator[GitHubHost]:
    """The sandbox, asked as the App."""
    opened = GitHubHost(server.url, AppIdentity(APP, pem), timeout=10)
    yield opened
    await opened.close()


async def test_a_request_gets_a_token_for_its_repository(host: GitHubHost, server: Server) -> None:
    repo = Repo(host, "operator/one")
    sha = await repo.branch_sha("main")
    assert sha is not None
    await repo.create_branch("side", sha)
    token = await host.git_token("operator/one")
    assert token.startswith(f"ghs_{APP}_")
    assert await host.git_token("operator/one") == token  # kept, not minted again
    async with httpx.AsyncClient(base_url=server.url, headers={"Authorization": f"token {token}"}) as client:
        assert (await client.get("/repos/operator/one")).status_code == 200
        assert (await client.get("/repos/operator/two")).status_code == 404  # narrowed
        assert (await client.get("/operator/one.git/info/refs?service=git-upload-pack")).status_code == 200
        assert (await client.get("/operator/two.git/info/refs?service=git-upload-pack")).status_code == 404


async def test_graphql_is_asked_about_a_repository(host: GitHubHost) -> None:
    repo = Repo(host, "operator/one")
    sha = await repo.branch_sha("main")
    assert sha is not None
    await repo.create_branch("change", sha)
    await repo.put_file("change", "new.txt", "new", "Add it")
    pull = await repo.open_pull("change", "main", "Change", "")
    await repo.mark_ready(pull.node_id)
    assert not (await repo.pull(pull.number)).draft


async def test_where_it_is_not_installed_is_said(host: GitHubHost) -> None:
    with pytest.raises(ConfigError, match="App 424242 is not installed on demo/tally"):
        await Repo(host, "demo/tally").branch_sha("main")


async def test_who_it_is_and_what_it_sees(host: GitHubHost) -> None:
    assert await host.login() == "shipline-sandbox[bot]"
    found = await host.identity.repositories(host.client, 300)
    assert [each.full_name for each in found] == ["operator/one", "operator/two"]


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": APP, "iat": 0, "exp": 1},
        {"iss": APP, "iat": int(time.time()), "exp": int(time.time()) + 3600},
        {"iss": "1", "iat": int(time.time()), "exp": int(time.time()) + 60},
        {"iss": APP, "iat": int(time.time()) + 600, "exp": int(time.time()) + 660},
    ],
)
async def test_a_web_token_that_github_would_refuse_is_refused(
    server: Server, pem: str, claims: dict[str, int]
) -> None:
    token = jwt.encode(claims, pem, "RS256")
    async with httpx.AsyncClient(base_url=server.url, headers={"Authorization": f"Bearer {token}"}) as client:
        assert (await client.get("/app")).status_code == 401


async def test_an_app_itself_sees_no_repository(server: Server, pem: str, tmp_path: Path) -> None:
    now = int(time.time())
    token = jwt.encode({"iss": APP, "iat": now, "exp": now + 60}, pem, "RS256")
    async with httpx.AsyncClient(base_url=server.url, headers={"Authorization": f"Bearer {token}"}) as client:
        assert (await client.get("/app")).json()["slug"] == "shipline-sandbox"
        assert (await client.get("/repos/operator/one")).status_code == 401


async def test_doctor_says_what_the_app_was_not_given(
    server: Server, pem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "key.pem").write_text(pem)
    settings = Settings(github_api_url=server.url, github_app_id=APP, github_app_key=tmp_path / "key.pem")
    (said,) = [each for each in await checks(settings) if each.name == "github"]
    assert (said.ok, said.detail) == (True, f"{server.url} knows the App shipline-sandbox, installed 1 time(s)")
    monkeypatch.setitem(PERMISSIONS, "secrets", "write")
    (said,) = [each for each in await checks(settings) if each.name == "github"]
    assert said.ok is False
    assert "It lacks: secrets: write." in said.detail


def test_a_key_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="has no key"):
        identity_of(Settings(github_app_id=APP))
    with pytest.raises(ConfigError, match="cannot be read"):
        identity_of(Settings(github_app_id=APP, github_app_key=tmp_path / "nothing.pem"))


async def test_an_installation_counts_only_with_the_state_that_was_given(
    server: Server, pem: str, tmp_path: Path, mongodb: str, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "key.pem").write_text(pem)
    monkeypatch.setenv("SHIPLINE_MONGODB_URI", mongodb)
    monkeypatch.setenv("SHIPLINE_DATABASE", database)
    monkeypatch.setenv("SHIPLINE_GITHUB_API_URL", server.url)
    monkeypatch.setenv("SHIPLINE_GITHUB_APP_ID", APP)
    monkeypatch.setenv("SHIPLINE_GITHUB_APP_KEY", str(tmp_path / "key.pem"))
    try:
        begun = await begin(by="ann")
        assert begun.url == f"{server.url}/apps/shipline-sandbox/installations/new?state={begun.state}"
        there = 51_000_000
        with pytest.raises(InvalidInput, match="not begun here"):
            await finish("x" * 43, there)
        with pytest.raises(NotFound):  # a number that somebody made up
            await finish(begun.state, there + 7)
        done = await finish(begun.state, there)
        assert (done.account, done.repositories) == ("operator", "all")
        assert await finish(begun.state, there) == done  # a browser that asks twice
        with pytest.raises(InvalidInput, match="not begun here"):
            await finish(begun.state, there + 1)
        store = (await context()).store
        old = {"created_at": now() - timedelta(hours=2)}
        later = await begin(by="ann")
        await store.collection(Handshake).update_one({"_id": later.state}, {"$set": old})
        with pytest.raises(InvalidInput, match="too long ago"):
            await finish(later.state, there)
    finally:
        await close_context()


async def test_the_ledger_can_be_worked_with_while_nobody_is_configured(
    server: Server, mongodb: str, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHIPLINE_MONGODB_URI", mongodb)
    monkeypatch.setenv("SHIPLINE_DATABASE", database)
    monkeypatch.setenv("SHIPLINE_GITHUB_API_URL", server.url)
    try:
        path = await begin_app(by="ann", url="https://shipline.example.com")  # the way to an identity needs none
        assert "manifest" in (await manifest(path.partition("=")[2])).model_dump()
        with pytest.raises(InvalidInput, match="is no address"):
            await begin_app(by="ann", url="http://\udcff")
        ctx = await context()
        for asked in (Repo(ctx.github, "demo/tally").about(), ctx.github.git_token("demo/tally"), ctx.github.login()):
            with pytest.raises(ConfigError, match="No GitHub token is configured"):
                await asked
    finally:
        await close_context()


async def _owner(server: Server, permissions: dict[str, str] | None) -> int:
    """An owner who installs the App, or answers what it asks for."""
    async with httpx.AsyncClient(base_url=server.url, headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        answer = await client.put("/_sandbox/installations/operator", json={"permissions": permissions})
        return int(answer.raise_for_status().json()["id"])


async def test_doctor_says_which_owner_has_not_accepted_what(server: Server, pem: str, tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text(pem)
    settings = Settings(github_api_url=server.url, github_app_id=APP, github_app_key=tmp_path / "key.pem")
    most = {name: level for name, level in PERMISSIONS.items() if name != "deployments"}
    await _owner(server, {**most, "checks": "read"})
    try:
        (said,) = [each for each in await checks(settings) if each.name == "github"]
    finally:
        await _owner(server, None)
    assert said.ok is False
    assert "operator has not accepted checks: write, deployments: write." in said.detail
    assert "Review request" in said.hint


async def test_an_app_that_was_installed_again_is_found_under_its_new_number(
    host: GitHubHost, server: Server, pem: str
) -> None:
    repo = Repo(host, "operator/one")
    assert await repo.branch_sha("main")
    identity = host.identity
    assert isinstance(identity, AppIdentity)
    old = identity.installations["operator/one"]
    at = int(time.time())
    token = jwt.encode({"iss": APP, "iat": at, "exp": at + 60}, pem, "RS256")
    async with httpx.AsyncClient(base_url=server.url, headers={"Authorization": f"Bearer {token}"}) as client:
        assert (await client.delete(f"/app/installations/{old}")).status_code == 204
    with pytest.raises(ConfigError, match="is not installed on operator/one"):
        await repo.branch_sha("main")
    new = await _owner(server, None)
    assert new != old
    identity.installations["operator/one"] = old  # as another process remembers it, with its token
    assert await repo.branch_sha("main")
    identity.installations["operator/two"] = old  # and one that has none yet
    assert await Repo(host, "operator/two").branch_sha("main")
    assert identity.installations == {"operator/one": new, "operator/two": new}
    identity.forget("operator")
    assert identity.installations == {}


async def test_github_signs_with_the_secret_that_was_given_to_it(
    server: Server, pem: str, tmp_path: Path, mongodb: str, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "key.pem").write_text(pem)
    monkeypatch.setenv("SHIPLINE_MONGODB_URI", mongodb)
    monkeypatch.setenv("SHIPLINE_DATABASE", database)
    monkeypatch.setenv("SHIPLINE_GITHUB_API_URL", server.url)
    try:
        with pytest.raises(ConfigError, match="No GitHub App is configured"):
            await renew_secret("x" * 32)
    finally:
        await close_context()
