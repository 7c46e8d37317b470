"""Who there is, and the repositories: made, generated, changed, listed, deleted."""

from __future__ import annotations

from typing import Any

from githubkit import GitHub

from tests.integration.sandbox.support import Repo, read, refused


async def test_accounts(repo: Repo) -> None:
    rest = repo.rest
    me = await read(rest.users.async_get_authenticated())
    assert (me.login, me.type) == ("operator", "User")
    assert (await read(rest.users.async_get_by_username("reviewer"))).login == "reviewer"
    assert (await read(rest.orgs.async_get("demo"))).type == "Organization"
    assert (await refused(rest.orgs.async_get("operator")))[0] == 404
    assert (await refused(rest.users.async_get_by_username("nobody")))[0] == 404
    limits = await read(rest.rate_limit.async_get())
    assert limits.resources.core.remaining == limits.resources.core.limit == 5000
    level = await read(rest.repos.async_get_collaborator_permission_level(**repo.at, username="operator"))
    assert (level.permission, level.user.role_name) == ("admin", "admin")


async def test_a_template_gives_one_initial_commit(repo: Repo) -> None:
    rest = repo.rest
    about = await read(rest.repos.async_get(**repo.at))
    assert about.full_name == f"operator/{repo.name}"
    assert about.clone_url == f"{repo.url}/operator/{repo.name}.git"
    assert about.template_repository.full_name == "demo/tally"
    assert about.template_repository.is_template is True
    (commit,) = await read(rest.repos.async_list_commits(**repo.at))
    assert commit.commit.message == "Initial commit"
    tree = await read(rest.git.async_get_tree(**repo.at, tree_sha="main", recursive="1"))
    files = {line.path: line.mode for line in tree.tree}
    assert files == {"README.md": "100644", "run.sh": "100755", "src": "040000", "src/app.py": "100644"}


async def test_generate_refuses_a_taken_name_and_a_repository_that_is_no_template(repo: Repo) -> None:
    again = repo.rest.repos.async_create_using_template("demo", "tally", name=repo.name.upper(), owner="operator")
    status, body = await refused(again)
    assert (status, body["message"]) == (422, "Repository creation failed.")
    assert body["errors"][0]["message"] == "name already exists on this account"
    plain = repo.rest.repos.async_create_using_template(repo.owner, repo.name, name="other", owner="operator")
    assert (await refused(plain))[0] == 422
    absent = repo.rest.repos.async_create_using_template("demo", "absent", name="other", owner="operator")
    assert (await refused(absent))[0] == 404


async def test_create_change_list_delete(github: GitHub[Any], server: Any) -> None:
    rest: Any = github.rest
    made = await read(rest.repos.async_create_for_authenticated_user(name="made", description="first", auto_init=True))
    assert (made.default_branch, made.private, made.open_issues_count) == ("main", False, 0)
    assert (await read(rest.repos.async_create_in_org("demo", name="Org-Made"))).organization.login == "demo"
    changed = await read(rest.repos.async_update("operator", "made", data={"description": "second", "name": "renamed"}))
    assert (changed.name, changed.description) == ("renamed", "second")
    assert (await read(rest.repos.async_get_content("operator", "renamed", "README.md"))).type == "file"
    for bad in ({"default_branch": "absent"}, {"name": "../../out"}, {"name": "tally.git"}):
        assert (await refused(rest.repos.async_update("operator", "renamed", data=bad)))[0] == 422
    mine = [one.full_name for one in await read(rest.repos.async_list_for_authenticated_user(per_page=100))]
    assert {"operator/renamed", "demo/Org-Made", "demo/tally"} <= set(mine)
    assert [one.name for one in await read(rest.repos.async_list_for_org("demo"))] == ["Org-Made", "tally"]
    assert (await read(rest.repos.async_get("DEMO", "org-made"))).full_name == "demo/Org-Made"
    for owner, name in (("operator", "renamed"), ("demo", "Org-Made")):
        assert (await rest.repos.async_delete(owner, name)).status_code == 204
        assert (await refused(rest.repos.async_get(owner, name)))[0] == 404


async def test_an_empty_repository(github: GitHub[Any]) -> None:
    rest: Any = github.rest
    await rest.repos.async_create_for_authenticated_user(name="empty")
    at = {"owner": "operator", "repo": "empty"}
    assert (await refused(rest.repos.async_list_commits(**at)))[1]["message"] == "Git Repository is empty."
    assert (await refused(rest.repos.async_get_content(**at, path="a")))[1]["message"] == "This repository is empty."
    assert await read(rest.repos.async_list_branches(**at)) == []
    first = await rest.repos.async_create_or_update_file_contents(
        **at, path="a.txt", data={"message": "First", "content": "YQ=="}
    )
    assert first.status_code == 201
    assert [one.name for one in await read(rest.repos.async_list_branches(**at))] == ["main"]
