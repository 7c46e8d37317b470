"""From nothing to a GitHub App: the manifest, GitHub's page, and back with the keys, as a browser goes."""

from __future__ import annotations

import asyncio
import json
import re
import stat
import uuid
from datetime import timedelta
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from deployments.doctor import checks
from gateway.app import create_app
from ledger.models import Delivery, Mark
from shipline.config import Settings
from tasks.context import close_context, context
from tasks.github.founding import renew_secret, web_address
from tasks.github.identity import EVENTS, PERMISSIONS, AppIdentity
from tasks.hooks import missed
from tasks.reconcile.whole import reconcile_all
from tests.integration.gateway.conftest import NEW, OLD, TOKENS, Gateway

pytestmark = pytest.mark.timeout(120)


def _field(page: str, pattern: str) -> str:
    found = re.search(pattern, page)
    assert found, page
    return unescape(found[1])


async def test_an_app_is_made_with_just_what_is_needed(gateway: Gateway) -> None:
    async with gateway.client("admin") as client, httpx.AsyncClient() as browser:
        began = await client.post("/auth/github-app/new", json={"url": gateway.url, "organization": "demo"})
        assert began.status_code == 201, began.text
        page = await browser.get(gateway.url + began.json()["path"])
        assert page.status_code == 200
        assert "pull requests: write" in page.text
        assert "default-src 'none'" in page.headers["content-security-policy"]
        action = _field(page.text, "action='([^']+)'")
        manifest = _field(page.text, "name='manifest' value='([^']+)'")
        assert json.loads(manifest)["hook_attributes"] == {"url": f"{gateway.url}/webhooks/github", "active": False}
        assert "/organizations/demo/settings/apps/new?state=" in action

        confirmed = await browser.post(action, data={"manifest": manifest})
        assert confirmed.status_code == 302, confirmed.text
        back = confirmed.headers["location"]
        assert parse_qs(urlsplit(back).query)["state"] == parse_qs(urlsplit(action).query)["state"]
        made = await browser.get(back)
        assert made.status_code == 200, made.text
        number = _field(made.text, r"SHIPLINE_GITHUB_APP_ID=(\d+)")
        key = Path(_field(made.text, r"SHIPLINE_GITHUB_APP_KEY=(\S+)"))
        secret = key.with_suffix(".webhook-secret")
        assert [stat.S_IMODE(each.stat().st_mode) for each in (key, secret, key.parent)] == [0o600, 0o600, 0o700]
        assert len(secret.read_text()) == 40
        assert secret.read_text() not in made.text
        assert "PRIVATE KEY" not in made.text

        again = await browser.get(back)
        assert again.status_code == 409, again.text
        assert "made already" in again.json()["detail"]

    settings = Settings(
        github_api_url=str(gateway.github.base_url).rstrip("/"), github_app_id=number, github_app_key=key
    )
    (said,) = [each for each in await checks(settings) if each.name == "github"]
    assert said.ok is True, said.detail  # nothing that we need was left out of the manifest


@pytest.mark.parametrize(
    ("events", "without", "said"),
    [
        (EVENTS, "merge_queues", "Default events are not supported by permissions: merge_group"),
        (EVENTS, "checks", "Default events are not supported by permissions: check_run and check_suite"),
        ((*EVENTS, "installation"), "", "Default events unsupported: installation"),  # each App hears it anyway
    ],
)
async def test_a_manifest_whose_events_its_permissions_do_not_cover_is_refused(
    gateway: Gateway, events: tuple[str, ...], without: str, said: str
) -> None:
    form = {
        "name": "Half an App", "redirect_url": "http://127.0.0.1/created", "default_events": list(events),
        "default_permissions": {name: level for name, level in PERMISSIONS.items() if name != without},
    }  # fmt: skip
    answer = await gateway.github.post("/settings/apps/new", data={"manifest": json.dumps(form)})
    assert (answer.status_code, answer.json()["message"]) == (422, f"Invalid GitHub App configuration: {said}")


@pytest.mark.parametrize("path", ["new", "created"])
async def test_a_page_opens_with_its_state_alone(gateway: Gateway, path: str) -> None:
    async with gateway.client(None) as browser:
        wrong = await browser.get(f"/auth/github-app/{path}?state={'a' * 43}&code={'b' * 20}")
        assert wrong.status_code == 409
        assert (await browser.get(f"/auth/github-app/{path}?state=<script>")).status_code == 422


async def _founded(gateway: Gateway, tmp_path: Path) -> Settings:
    """An App on the sandbox, installed on the operator's repositories, as it would be configured."""
    form = {
        "name": f"Shipline {uuid.uuid4().hex[:6]}", "redirect_url": "http://127.0.0.1/created",
        "default_permissions": PERMISSIONS, "default_events": list(EVENTS),
    }  # fmt: skip
    confirmed = await gateway.github.post("/settings/apps/new", data={"manifest": json.dumps(form)})
    (code,) = parse_qs(urlsplit(confirmed.headers["location"]).query)["code"]
    made = (await gateway.github.post(f"/app-manifests/{code}/conversions")).json()
    key = tmp_path / "app.pem"
    key.write_text(made["pem"])
    return Settings(
        mongodb_uri=gateway.mongodb_uri, github_api_url=str(gateway.github.base_url).rstrip("/"),
        github_app_id=str(made["id"]), github_app_key=key,
    )  # fmt: skip


async def test_as_an_app_reconcile_asks_for_what_never_arrived(
    gateway: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = await _founded(gateway, tmp_path)
    made = {"name": f"lost-{uuid.uuid4().hex[:6]}", "auto_init": True}
    repo = (await gateway.github.post("/user/repos", json=made)).json()["full_name"]
    await gateway.github.post(f"/repos/{repo}/issues", json={"title": "One"})
    about = {"event": "issues", "payload.repository.full_name": repo}
    (lost,) = await gateway.worked_all(about)
    await gateway.store.collection(Delivery).delete_one({"_id": lost.id})  # as if it had not come
    await gateway.store.collection(Mark).delete_many({})
    for name, value in settings.model_dump(include={"mongodb_uri", "github_api_url", "github_app_id"}).items():
        monkeypatch.setenv(f"SHIPLINE_{name.upper()}", str(value))
    monkeypatch.setenv("SHIPLINE_GITHUB_APP_KEY", str(settings.github_app_key))
    monkeypatch.setattr(missed, "SETTLED", -timedelta(seconds=2))  # times there are whole seconds
    try:
        assert isinstance((await context()).github.identity, AppIdentity)
        await reconcile_all()
        assert [each.id for each in await gateway.worked_all(about)] == [lost.id]
        assert await gateway.store.find(Mark, {}) == []  # something was missing: all of it is looked through again
        while await missed.ask_again(await context()):  # what other tests left out
            continue
        (mark,) = await gateway.store.find(Mark, {})
        assert mark.id == missed.MARK
    finally:
        await close_context()


async def test_github_signs_with_the_secret_that_it_is_given(
    gateway: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = await _founded(gateway, tmp_path)
    monkeypatch.setenv("SHIPLINE_MONGODB_URI", gateway.mongodb_uri)
    monkeypatch.setenv("SHIPLINE_GITHUB_API_URL", settings.github_api_url)
    monkeypatch.setenv("SHIPLINE_GITHUB_APP_ID", str(settings.github_app_id))
    monkeypatch.setenv("SHIPLINE_GITHUB_APP_KEY", str(settings.github_app_key))
    made = {"name": f"signed-{uuid.uuid4().hex[:6]}", "auto_init": True}
    repo = (await gateway.github.post("/user/repos", json=made)).json()["full_name"]
    try:
        await renew_secret(OLD)  # which the gateway takes besides
        await gateway.github.post(f"/repos/{repo}/issues", json={"title": "One"})
        assert await gateway.worked_all({"event": "issues", "payload.repository.full_name": repo})
        await renew_secret("a-secret-that-nobody-else-knows")
        await gateway.github.post(f"/repos/{repo}/issues", json={"title": "Two"})
        async with asyncio.timeout(10):
            while await _newest(gateway) != ("issues", 401):  # noqa: ASYNC110 (GitHub tells nobody that it has told us)
                await asyncio.sleep(0.05)
    finally:
        await renew_secret(NEW)
        await close_context()


async def test_an_installation_comes_back_by_the_browser_and_by_the_api(
    gateway: Gateway, tmp_path: Path, mongodb: str, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = await _founded(gateway, tmp_path)
    given = {
        "MONGODB_URI": mongodb, "DATABASE": database, "GITHUB_API_URL": settings.github_api_url,
        "GITHUB_APP_ID": settings.github_app_id, "GITHUB_APP_KEY": settings.github_app_key,
        "API_TOKENS": json.dumps({"ann": f"admin:{TOKENS['admin']}"}),
    }  # fmt: skip
    for name, value in given.items():
        monkeypatch.setenv(f"SHIPLINE_{name}", str(value))
    headers = {"Authorization": f"Bearer {TOKENS['admin']}"}
    app = create_app()
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as browser,
    ):
        page = (await browser.get("/api/github-app", headers=headers)).json()
        (there,) = [each for each in page["installations"] if each["account"] == "operator"]
        assert (page["lacks"], there["lacks"]) == ([], [])
        number = there["installationId"]
        most = {name: level for name, level in PERMISSIONS.items() if name != "merge_queues"}
        owner = "/_sandbox/installations/operator"
        (await gateway.github.put(owner, json={"permissions": most})).raise_for_status()
        try:
            begun = (await browser.post("/auth/github-app/begin", headers=headers)).json()
            asked = {"state": begun["state"], "installation_id": number}
            returned = await browser.get("/auth/github-app/callback", params=asked)
            assert (returned.status_code, "Installed on operator" in returned.text) == (200, True), returned.text
            assert "Not accepted there yet: merge_queues: read." in returned.text
            body = {"state": begun["state"], "installationId": number}
            assert (await browser.post("/auth/github-app/callback", json=body)).status_code == 401
            finished = await browser.post("/auth/github-app/callback", json=body, headers=headers)
            assert finished.json() == {
                "installationId": number, "account": "operator", "repositories": "all", "lacks": ["merge_queues: read"],
            }  # fmt: skip
        finally:
            (await gateway.github.put(owner, json={})).raise_for_status()


async def test_only_an_admin_makes_apps(gateway: Gateway) -> None:
    async with gateway.client("approver") as client:
        assert (await client.post("/auth/github-app/new", json={"url": gateway.url})).status_code == 403


def test_where_people_see_a_github() -> None:
    assert web_address("https://api.github.com") == "https://github.com"
    assert web_address("https://git.example.com/api/v3") == "https://git.example.com"
    assert web_address("http://127.0.0.1:4280") == "http://127.0.0.1:4280"


async def _newest(gateway: Gateway) -> tuple[str, int]:
    """The newest delivery of the App, and what we answered."""
    (newest, *_) = (await gateway.github.get("/app/hook/deliveries?per_page=1")).json()
    return newest["event"], newest["status_code"]
