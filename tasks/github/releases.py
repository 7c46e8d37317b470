"""The verbs on releases and their files, and on deployments."""

from __future__ import annotations

import contextlib
from typing import Any

from shipline.errors import NotFound
from tasks.github.about import About
from tasks.github.shapes import DeploymentRef, ReleaseRef


class Releases(About):
    """Releases with their files, and what GitHub keeps of deployments."""

    async def release(self, tag: str) -> ReleaseRef | None:
        """The release of ``tag``, or None."""
        try:
            found = await self.host.ask(lambda: self._rest.repos.async_get_release_by_tag(**self._at, tag=tag))
        except NotFound:
            return None
        told = found.json()  # its schema does not know the state of an upload that was cut off
        files = {str(each["name"]): int(each["id"]) for each in told["assets"] if each["state"] == "uploaded"}
        where = str(told["upload_url"]).partition("{")[0]
        return ReleaseRef(id=told["id"], url=told["html_url"], upload_url=where, files=files)

    async def create_release(self, tag: str, sha: str, name: str, body: str) -> str:
        """A release, with its tag at ``sha``; returns its page."""
        made = await self.host.ask(
            lambda: self._rest.repos.async_create_release(
                **self._at, tag_name=tag, target_commitish=sha, name=name, body=body
            )
        )
        return str(made.parsed_data.html_url)

    async def upload_file(self, release: ReleaseRef, name: str, content: bytes, kind: str) -> int:
        """Put a file beside a release, in place of what an upload that was cut off left; its id."""
        listed = await self.host.ask(
            lambda: self._rest.repos.async_list_release_assets(**self._at, release_id=release.id, per_page=100)
        )
        for each in listed.json():
            if each["name"] == name and each["state"] != "uploaded":
                await self.delete_file(each["id"])
        made = await self.host.ask(
            lambda: self.host.client.arequest(
                "POST", release.upload_url, params={"name": name}, content=content, headers={"Content-Type": kind}
            )
        )
        return int(made.json()["id"])

    async def delete_file(self, number: int) -> None:
        """Remove a file of a release; gone already is fine."""
        with contextlib.suppress(NotFound):
            await self.host.ask(lambda: self._rest.repos.async_delete_release_asset(**self._at, asset_id=number))

    async def create_deployment(self, ref: str, environment: str, mark: str) -> DeploymentRef:
        """GitHub's record of a deployment that we do; ``mark`` is what it is found by."""
        data: dict[str, Any] = {
            "ref": ref, "environment": environment, "auto_merge": False, "required_contexts": [],
            "description": f"{ref} by Shipline", "payload": {"shipline": mark},
        }  # fmt: skip
        made = await self.host.ask(lambda: self._rest.repos.async_create_deployment(**self._at, data=data))
        return DeploymentRef(id=made.json()["id"])

    async def find_deployment(self, environment: str, mark: str) -> DeploymentRef | None:
        """The oldest record with this mark."""
        pages = self._rest.paginate(self._rest.repos.async_list_deployments, **self._at, environment=environment)
        found = [each.id async for each in pages if mark in str(each.payload)]
        return DeploymentRef(id=min(found)) if found else None

    async def delete_deployment(self, number: int) -> None:
        """Remove a record; GitHub keeps one that may be what runs, so it is told first that it is not."""
        with contextlib.suppress(NotFound):
            await self.tell_deployment(number, "inactive", None, "It was made twice")
            await self.host.ask(lambda: self._rest.repos.async_delete_deployment(**self._at, deployment_id=number))

    async def tell_deployment(self, number: int, state: str, url: str | None, said: str) -> int:
        """Say what became of a deployment; the id of the word."""
        data: dict[str, Any] = {"state": state, "description": said[:140], "auto_inactive": False}
        if url:
            data["environment_url"] = url
        made = await self.host.ask(
            lambda: self._rest.repos.async_create_deployment_status(**self._at, deployment_id=number, data=data)
        )
        return int(made.json()["id"])

    async def deployment_states(self, number: int) -> dict[str, int]:
        """Every state that was told of a deployment, with the oldest word's id."""
        pages = self._rest.paginate(
            self._rest.repos.async_list_deployment_statuses, **self._at, deployment_id=number
        )  # newest first
        return {str(each.state): int(each.id) async for each in pages}
