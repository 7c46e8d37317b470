"""Files beside a release: uploaded where the release says, named once, read back, removed."""

from __future__ import annotations

import hashlib

from tests.integration.sandbox.support import Repo, read, refused


async def test_a_file_is_uploaded_listed_read_and_removed(repo: Repo) -> None:
    api = repo.rest.repos
    made = await read(api.async_create_release(**repo.at, data={"tag_name": "v1.0.0"}))
    content = b"\x00\x01 not text"
    where = made.upload_url.partition("{")[0]
    headers = {"Content-Type": "application/gzip"}
    answer = await repo.client.arequest("POST", where, params={"name": "a.tar.gz"}, content=content, headers=headers)
    told = answer.json()
    assert (answer.status_code, told["name"], told["size"], told["content_type"]) == (
        201, "a.tar.gz", len(content), "application/gzip",
    )  # fmt: skip
    assert told["digest"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
    (listed,) = await read(api.async_list_release_assets(**repo.at, release_id=made.id))
    assert (listed.id, listed.state) == (told["id"], "uploaded")
    again = await read(api.async_get_release_by_tag(**repo.at, tag="v1.0.0"))
    assert [each.name for each in again.assets] == ["a.tar.gz"]
    raw = await repo.client.arequest("GET", told["url"], headers={"Accept": "application/octet-stream"})
    assert raw.content == content
    gone = await api.async_delete_release_asset(**repo.at, asset_id=told["id"])
    assert gone.status_code == 204
    assert await read(api.async_list_release_assets(**repo.at, release_id=made.id)) == []


async def test_a_second_file_of_a_name_and_one_without_are_refused(repo: Repo) -> None:
    made = await read(repo.rest.repos.async_create_release(**repo.at, data={"tag_name": "v1.0.0"}))
    url = made.upload_url.partition("{")[0]

    async def send(name: str, content: bytes = b"x") -> tuple[int, str]:
        status, body = await refused(repo.client.arequest("POST", url, params={"name": name}, content=content))
        return status, str(body.get("errors", [{"code": body["message"]}])[0]["code"])

    await repo.client.arequest("POST", url, params={"name": "a"}, content=b"x")
    assert await send("a") == (422, "already_exists")
    assert await send("") == (422, "missing_field")
    assert (await send("b", b""))[0] == 400
    other = repo.client.arequest("POST", f"{repo.api}/releases/1/assets", params={"name": "a"}, content=b"x")
    assert (await refused(other))[0] == 404


async def test_a_success_makes_what_was_deployed_before_inactive_unless_told_not_to(repo: Repo) -> None:
    api = repo.rest.repos

    async def deploy(**more: object) -> int:
        data = {"ref": "main", "environment": "local", "required_contexts": [], "auto_merge": False}
        number = int((await api.async_create_deployment(**repo.at, data=data)).json()["id"])
        await api.async_create_deployment_status(**repo.at, deployment_id=number, data={"state": "success", **more})
        return number

    async def states(number: int) -> list[str]:
        found = await read(api.async_list_deployment_statuses(**repo.at, deployment_id=number))
        return [each.state for each in found]

    first = await deploy()
    second = await deploy(auto_inactive=False)
    assert await states(first) == ["success"]
    third = await deploy()
    assert [await states(each) for each in (first, second, third)] == [
        ["inactive", "success"], ["inactive", "success"], ["success"],
    ]  # fmt: skip
