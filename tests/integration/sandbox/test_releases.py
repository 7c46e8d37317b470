"""Releases and the tags behind them."""

from __future__ import annotations

from tests.integration.sandbox.support import Repo, read, refused


async def test_a_release_makes_its_tag(repo: Repo) -> None:
    api, first = repo.rest.repos, await repo.head()
    await repo.put("main", "a.txt", "a")
    data = {"tag_name": "v1.0.0", "target_commitish": first, "name": "One", "body": "Notes"}
    made = await read(api.async_create_release(**repo.at, data=data))
    assert (made.tag_name, made.name, made.body, made.draft) == ("v1.0.0", "One", "Notes", False)
    assert (await read(repo.rest.git.async_get_ref(**repo.at, ref="tags/v1.0.0"))).object_.sha == first
    status, body = await refused(api.async_create_release(**repo.at, data=data))
    assert (status, body["errors"][0]["code"]) == (422, "already_exists")
    for found in (
        await read(api.async_get_release(**repo.at, release_id=made.id)),
        await read(api.async_get_release_by_tag(**repo.at, tag="v1.0.0")),
        await read(api.async_get_latest_release(**repo.at)),
    ):
        assert found.id == made.id
    assert await read(api.async_list_release_assets(**repo.at, release_id=made.id)) == []
    assert [tag.name for tag in await read(api.async_list_tags(**repo.at))] == ["v1.0.0"]


async def test_latest_and_change_and_delete(repo: Repo) -> None:
    api = repo.rest.repos
    assert (await refused(api.async_get_latest_release(**repo.at)))[0] == 404
    one = await read(api.async_create_release(**repo.at, data={"tag_name": "v1"}))
    await api.async_create_release(**repo.at, data={"tag_name": "v2-rc", "prerelease": True})
    draft = await read(api.async_create_release(**repo.at, data={"tag_name": "v2", "draft": True}))
    assert draft.published_at is None
    assert (await read(api.async_get_latest_release(**repo.at))).id == one.id
    assert (await refused(api.async_get_release_by_tag(**repo.at, tag="v2")))[0] == 404
    published = await read(api.async_update_release(**repo.at, release_id=draft.id, data={"draft": False}))
    assert published.published_at is not None
    assert (await read(api.async_get_latest_release(**repo.at))).tag_name == "v2"
    assert [tag.name for tag in await read(api.async_list_tags(**repo.at))] == ["v2-rc", "v2", "v1"]
    assert len(await read(api.async_list_releases(**repo.at))) == 3
    taken = api.async_update_release(**repo.at, release_id=draft.id, data={"tag_name": "v1"})
    assert (await refused(taken))[0] == 422
    assert (await api.async_delete_release(**repo.at, release_id=one.id)).status_code == 204
    assert (await refused(api.async_get_release_by_tag(**repo.at, tag="v1")))[0] == 404
    assert len(await read(api.async_list_tags(**repo.at))) == 3


async def test_refused_releases(repo: Repo) -> None:
    api = repo.rest.repos
    bad = {"tag_name": "v1", "target_commitish": "absent"}
    status, body = await refused(api.async_create_release(**repo.at, data=bad))
    assert (status, body["errors"][0]["field"]) == (422, "target_commitish")
    assert (await refused(api.async_create_release(**repo.at, data={"tag_name": "a b"})))[0] == 422
    assert (await refused(api.async_get_release(**repo.at, release_id=1)))[0] == 404
