"""The git database over REST: refs, blobs, trees, commits, tags."""

from __future__ import annotations

import base64
from typing import Any

from tests.integration.sandbox.support import Repo, read, refused


async def test_refs(repo: Repo) -> None:
    api, sha = repo.rest.git, await repo.head()
    made = await read(api.async_create_ref(**repo.at, ref="refs/heads/task/1-a", sha=sha))
    assert (made.ref, made.object_.sha, made.object_.type) == ("refs/heads/task/1-a", sha, "commit")
    assert (await read(api.async_get_ref(**repo.at, ref="heads/task/1-a"))).object_.sha == sha
    matching = await read(api.async_list_matching_refs(**repo.at, ref="heads/task/"))
    assert [one.ref for one in matching] == ["refs/heads/task/1-a"]
    assert await read(api.async_list_matching_refs(**repo.at, ref="heads/none")) == []
    new = await repo.put("task/1-a", "a.txt", "a")
    moved = await read(api.async_update_ref(**repo.at, ref="heads/main", sha=new))
    assert moved.object_.sha == new
    status, body = await refused(api.async_update_ref(**repo.at, ref="heads/main", sha=sha))
    assert (status, body["message"]) == (422, "Update is not a fast forward")
    await api.async_update_ref(**repo.at, ref="heads/main", sha=sha, force=True)
    assert await repo.head() == sha
    assert (await api.async_delete_ref(**repo.at, ref="heads/task/1-a")).status_code == 204
    assert (await refused(api.async_get_ref(**repo.at, ref="heads/task/1-a")))[0] == 404


async def test_refused_refs(repo: Repo) -> None:
    api, sha = repo.rest.git, await repo.head()

    async def said(call: Any) -> str:
        status, body = await refused(call)
        assert status == 422
        return str(body["message"])

    create, update, delete = api.async_create_ref, api.async_update_ref, api.async_delete_ref
    assert await said(create(**repo.at, ref="refs/heads/main", sha=sha)) == "Reference already exists"
    assert await said(create(**repo.at, ref="refs/heads/x", sha="0" * 40)) == "Object does not exist"
    assert "at least two slashes" in await said(create(**repo.at, ref="heads/x", sha=sha))
    assert "not a valid ref name" in await said(create(**repo.at, ref="refs/heads/a..b", sha=sha))
    assert await said(create(**repo.at, ref="refs/heads/main/below", sha=sha)) == "Reference update failed"
    assert await said(update(**repo.at, ref="heads/absent", sha=sha)) == "Reference does not exist"
    assert await said(update(**repo.at, ref="heads/main", sha="1" * 40)) == "Object does not exist"
    assert await said(delete(**repo.at, ref="heads/absent")) == "Reference does not exist"
    assert "default branch" in await said(delete(**repo.at, ref="heads/main"))
    assert (await refused(api.async_get_ref(**repo.at, ref="heads/ma")))[0] == 404


async def test_blobs_trees_and_commits(repo: Repo) -> None:
    api, start = repo.rest.git, await repo.head()
    content = base64.b64encode(b"\x00\xff").decode()
    blob = await read(api.async_create_blob(**repo.at, content=content, encoding="base64"))
    got = await read(api.async_get_blob(**repo.at, file_sha=blob.sha))
    assert (base64.b64decode(got.content), got.size) == (b"\x00\xff", 2)
    lines = [
        {"path": "deep/er/blob.bin", "mode": "100644", "type": "blob", "sha": blob.sha},
        {"path": "text.txt", "mode": "100644", "type": "blob", "content": "héllo\n"},
        {"path": "src", "mode": "040000", "type": "tree", "sha": None},
        {"path": "run.sh", "mode": "100755", "type": "blob", "sha": None},
    ]
    tree = await read(api.async_create_tree(**repo.at, data={"tree": lines, "base_tree": start}))
    assert [line.path for line in tree.tree] == ["README.md", "deep", "text.txt"]
    copied = [{"path": "copy", "mode": "040000", "type": "tree", "sha": tree.tree[1].sha}]
    whole = await read(api.async_create_tree(**repo.at, data={"tree": copied, "base_tree": tree.sha}))
    everything = await read(api.async_get_tree(**repo.at, tree_sha=whole.sha, recursive="1"))
    assert {"copy/er/blob.bin", "deep/er/blob.bin"} <= {line.path for line in everything.tree}
    who = {"name": "A Person", "email": "a@example.org", "date": "2026-01-02T03:04:05Z"}
    data = {"message": "By hand\n\nbody", "tree": whole.sha, "parents": [start], "author": who}
    commit = await read(api.async_create_commit(**repo.at, data=data))
    again = await read(api.async_get_commit(**repo.at, commit_sha=commit.sha))
    assert (again.message, again.author.name, again.parents[0].sha) == ("By hand\n\nbody", "A Person", start)
    assert again.author.date.isoformat() == "2026-01-02T03:04:05+00:00"
    same = await read(api.async_create_commit(**repo.at, data=data))
    assert same.sha == commit.sha


async def test_refused_objects(repo: Repo) -> None:
    api, start = repo.rest.git, await repo.head()
    bad: dict[str, Any] = {"message": "x", "tree": start, "parents": []}
    assert (await refused(api.async_create_commit(**repo.at, data=bad)))[1]["message"] == "Tree SHA does not exist"
    tree = (await read(api.async_get_commit(**repo.at, commit_sha=start))).tree.sha
    orphan = bad | {"tree": tree, "parents": ["1" * 40]}
    assert "Parent SHA" in (await refused(api.async_create_commit(**repo.at, data=orphan)))[1]["message"]
    line = {"path": "a", "mode": "100644", "type": "blob", "sha": "1" * 40}
    assert (await refused(api.async_create_tree(**repo.at, data={"tree": [line]})))[0] == 422
    outside = {"path": "../a", "mode": "100644", "type": "blob", "content": "x"}
    assert (await refused(api.async_create_tree(**repo.at, data={"tree": [outside]})))[0] == 422
    assert (await refused(api.async_create_tree(**repo.at, data={"tree": [], "base_tree": "1" * 40})))[0] == 404
    assert (await refused(api.async_get_blob(**repo.at, file_sha=start)))[0] == 404
    assert (await refused(api.async_get_tree(**repo.at, tree_sha="absent")))[0] == 404
    assert (await refused(api.async_create_blob(**repo.at, content="%", encoding="base64")))[0] == 422


async def test_annotated_tags(repo: Repo) -> None:
    api, sha = repo.rest.git, await repo.head()
    who = {"name": "A Person", "email": "a@example.org", "date": "2026-01-02T03:04:05Z"}
    data = {"tag": "v1", "message": "One", "object": sha, "type": "commit", "tagger": who}
    tag = await read(api.async_create_tag(**repo.at, data=data))
    assert (tag.tag, tag.message, tag.object_.sha) == ("v1", "One", sha)
    got = await read(api.async_get_tag(**repo.at, tag_sha=tag.sha))
    assert (got.tagger.name, got.tagger.date) == ("A Person", "2026-01-02T03:04:05Z")
    ref = await read(api.async_create_ref(**repo.at, ref="refs/tags/v1", sha=tag.sha))
    assert ref.object_.type == "tag"
    (listed,) = await read(repo.rest.repos.async_list_tags(**repo.at))
    assert (listed.name, listed.commit.sha) == ("v1", sha)
    assert (await refused(api.async_create_tag(**repo.at, data=data | {"object": "1" * 40})))[0] == 422
