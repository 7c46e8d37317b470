"""Branches, history, comparisons, merges of branches, and files."""

from __future__ import annotations

import base64

import pytest

from tests.integration.sandbox.support import Repo, read, refused


async def test_branches(repo: Repo) -> None:
    sha = await repo.branch("feature/1-a")
    names = [one.name for one in await read(repo.rest.repos.async_list_branches(**repo.at))]
    assert names == ["feature/1-a", "main"]
    one = await read(repo.rest.repos.async_get_branch(**repo.at, branch="feature/1-a"))
    assert (one.name, one.commit.sha, one.protected) == ("feature/1-a", sha, False)
    assert (await repo.raw("GET", "/branches/main~0")).status_code == 404
    status, body = await refused(repo.rest.repos.async_get_branch(**repo.at, branch="absent"))
    assert (status, body["message"]) == (404, "Branch not found")


async def test_commits(repo: Repo) -> None:
    first, second = await repo.put("main", "a.txt", "1\n"), await repo.put("main", "b.txt", "2\n")
    api = repo.rest.repos
    listed = await read(api.async_list_commits(**repo.at, per_page=2))
    assert [one.sha for one in listed] == [second, first]
    assert [one.sha for one in await read(api.async_list_commits(**repo.at, sha="main", path="a.txt"))] == [first]
    one = await read(api.async_get_commit(**repo.at, ref="main"))
    assert (one.sha, one.stats.additions, one.files[0].filename) == (second, 1, "b.txt")
    assert (one.files[0].status, one.files[0].patch) == ("added", "@@ -0,0 +1 @@\n+2")
    assert (one.author.login, one.commit.committer.name) == ("operator", "Shipline Sandbox")
    root = (await read(api.async_list_commits(**repo.at)))[-1]
    assert len((await read(api.async_get_commit(**repo.at, ref=root.sha))).files) == 3
    assert (await refused(api.async_get_commit(**repo.at, ref="absent")))[0] == 422
    assert (await refused(api.async_list_commits(**repo.at, sha="absent")))[0] == 404


async def test_compare(repo: Repo) -> None:
    api = repo.rest.repos
    start = await repo.branch("feature/x")
    same = await read(api.async_compare_commits(**repo.at, basehead="main...feature/x"))
    assert (same.status, same.total_commits) == ("identical", 0)
    first, second = await repo.put("feature/x", "a.txt", "1\n"), await repo.put("feature/x", "b.txt", "2\n")
    ahead = await read(api.async_compare_commits(**repo.at, basehead="main...feature/x"))
    assert (ahead.status, ahead.ahead_by, ahead.behind_by) == ("ahead", 2, 0)
    assert [one.sha for one in ahead.commits] == [first, second]
    assert {one.filename for one in ahead.files} == {"a.txt", "b.txt"}
    behind = await read(api.async_compare_commits(**repo.at, basehead=f"{second}...main"))
    assert (behind.status, behind.behind_by) == ("behind", 2)
    await repo.put("main", "c.txt", "3\n")
    apart = await read(api.async_compare_commits(**repo.at, basehead="operator:main...operator:feature/x"))
    assert (apart.status, apart.ahead_by, apart.behind_by) == ("diverged", 2, 1)
    assert apart.merge_base_commit.sha == start
    paged = await read(api.async_compare_commits(**repo.at, basehead="main...feature/x", per_page=1, page=2))
    assert [one.sha for one in paged.commits] == [second]
    assert (await refused(api.async_compare_commits(**repo.at, basehead="main...absent")))[0] == 404


async def test_merge_branches(repo: Repo) -> None:
    merge = repo.rest.repos.async_merge
    await repo.branch("one")
    await repo.branch("two")
    assert (await merge(**repo.at, base="main", head="one")).status_code == 204
    await repo.put("one", "same.txt", "one\n")
    await repo.put("two", "same.txt", "two\n")
    made = await merge(**repo.at, base="main", head="one", commit_message="Bring one")
    assert (made.status_code, made.parsed_data.commit.message) == (201, "Bring one")
    assert len(made.parsed_data.parents) == 2
    status, body = await refused(merge(**repo.at, base="main", head="two"))
    assert (status, body["message"]) == (409, "Merge conflict")
    assert await repo.head() == made.parsed_data.sha
    assert (await refused(merge(**repo.at, base="absent", head="two")))[1]["message"] == "Base does not exist"
    assert (await refused(merge(**repo.at, base="main", head="absent")))[1]["message"] == "Head does not exist"


async def test_files_are_read(repo: Repo) -> None:
    read_file = repo.rest.repos.async_get_content
    one = await read(read_file(**repo.at, path="README.md"))
    assert base64.b64decode(one.content) == b"# Tally\n"
    inside = await read(read_file(**repo.at, path="src"))
    assert [(item.type, item.path) for item in inside] == [("file", "src/app.py")]
    top = await read(read_file(**repo.at, path=""))
    assert [(item.type, item.name) for item in top] == [("file", "README.md"), ("file", "run.sh"), ("dir", "src")]
    assert (await read(read_file(**repo.at, path="README.md", ref=await repo.head()))).sha == one.sha
    assert (await refused(read_file(**repo.at, path="absent")))[0] == 404
    status, body = await refused(read_file(**repo.at, path="README.md", ref="absent"))
    assert (status, body["message"]) == (404, "No commit found for the ref absent")


async def test_files_are_written(repo: Repo) -> None:
    write, text = repo.rest.repos.async_create_or_update_file_contents, base64.b64encode(b"text").decode()
    new = {"message": "New", "content": text}
    made = await write(**repo.at, path="docs/a b.md", data=new)
    assert (made.status_code, made.parsed_data.content.path) == (201, "docs/a b.md")
    status, body = await refused(write(**repo.at, path="docs/a b.md", data=new))
    assert (status, body["message"]) == (422, 'Invalid request.\n\n"sha" wasn\'t supplied.')
    wrong = new | {"sha": "1" * 40}
    status, body = await refused(write(**repo.at, path="docs/a b.md", data=wrong))
    assert (status, body["message"]) == (409, f"docs/a b.md does not match {'1' * 40}")
    right = new | {"sha": made.parsed_data.content.sha, "content": base64.b64encode(b"more").decode()}
    changed = await write(**repo.at, path="docs/a b.md", data=right)
    assert changed.status_code == 200
    assert (await refused(write(**repo.at, path="x", data=new | {"branch": "absent"})))[0] == 404
    assert (await refused(write(**repo.at, path="src", data=new)))[0] == 422
    sha, remove = changed.parsed_data.content.sha, repo.rest.repos.async_delete_file
    assert (await refused(remove(**repo.at, path="docs/a b.md", message="x", sha="1" * 40)))[0] == 409
    gone = await read(remove(**repo.at, path="docs/a b.md", message="Gone", sha=sha))
    assert (gone.content, gone.commit.message) == (None, "Gone")
    assert (await refused(remove(**repo.at, path="docs/a b.md", message="x", sha=sha)))[0] == 404


@pytest.mark.parametrize("path", ["run.sh", "src/app.py"])
async def test_an_update_keeps_the_mode(repo: Repo, path: str) -> None:
    before = await read(repo.rest.git.async_get_tree(**repo.at, tree_sha="main", recursive="1"))
    modes = {line.path: line.mode for line in before.tree}
    sha = next(line.sha for line in before.tree if line.path == path)
    await repo.put("main", path, "changed\n", sha)
    after = await read(repo.rest.git.async_get_tree(**repo.at, tree_sha="main", recursive="1"))
    assert {line.path: line.mode for line in after.tree} == modes
