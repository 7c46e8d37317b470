"""From nothing to a GitHub App: the manifest, GitHub's page, and back with the keys, as a browser goes."""

from __future__ import annotations

import json
import re
import stat
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from deployments.doctor import checks
from shipline.config import Settings
from tasks.github.founding import web_address
from tasks.github.identity import EVENTS, PERMISSIONS
from tests.integration.gateway.conftest import Gateway

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


async def test_only_an_admin_makes_apps(gateway: Gateway) -> None:
    async with gateway.client("approver") as client:
        assert (await client.post("/auth/github-app/new", json={"url": gateway.url})).status_code == 403


def test_where_people_see_a_github() -> None:
    assert web_address("https://api.github.com") == "https://github.com"
    assert web_address("https://git.example.com/api/v3") == "https://git.example.com"
    assert web_address("http://127.0.0.1:4280") == "http://127.0.0.1:4280"
