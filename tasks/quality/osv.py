"""A vulnerability database that speaks OSV's API (``/v1/querybatch``, ``/v1/vulns/ID``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from shipline.errors import ShiplineError

WITHIN = 20.0  # seconds for an answer
_BATCH = 1000  # queries that OSV takes at once
_PAGES = 10


class NoDatabase(ShiplineError):
    """The database cannot be reached, or does not answer as one."""


@dataclass(frozen=True)
class Package:
    """One version of a package; ``ecosystem`` is OSV's word (``PyPI``, ``npm``)."""

    name: str
    version: str
    ecosystem: str
    released: bool = True


@dataclass(frozen=True)
class Vulnerability:
    """What is known of one; ``severity`` is the database's word, upper case, or empty."""

    id: str
    names: frozenset[str]
    summary: str
    severity: str
    fixed: tuple[str, ...]


async def known_vulnerabilities(url: str, packages: Sequence[Package]) -> list[tuple[Package, Vulnerability]]:
    """What the database knows of these versions, each cause once. NoDatabase says why there is no answer."""
    async with httpx.AsyncClient(base_url=url.rstrip("/"), timeout=WITHIN) as client:
        try:
            named = await _ids(client, packages)
            details = {each: await _details(client, each) for each in sorted({id_ for _, id_ in named})}
        except httpx.HTTPStatusError as error:
            raise NoDatabase(f"{url} answered {error.response.status_code}") from error
        except httpx.HTTPError as error:
            raise NoDatabase(f"{url} cannot be reached ({type(error).__name__})") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise NoDatabase(f"{url} does not answer as OSV does ({type(error).__name__})") from error
    return list(_each_once([(package, details[id_]) for package, id_ in named], packages))


async def _ids(client: httpx.AsyncClient, packages: Sequence[Package]) -> list[tuple[Package, str]]:
    found: list[tuple[Package, str]] = []
    waiting = [(package, "") for package in packages]
    for _ in range(_PAGES * (1 + len(packages) // _BATCH)):
        if not waiting:
            break
        asked, waiting = waiting[:_BATCH], waiting[_BATCH:]
        answer = await client.post("/v1/querybatch", json={"queries": [_query(*each) for each in asked]})
        results = answer.raise_for_status().json()["results"]
        for (package, _page), result in zip(asked, results, strict=True):
            found += [(package, str(each["id"])) for each in result.get("vulns") or []]
            if result.get("next_page_token"):
                waiting.append((package, str(result["next_page_token"])))
    return found


def _query(package: Package, page: str) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "package": {"name": package.name, "ecosystem": package.ecosystem}, "version": package.version,
    }  # fmt: skip
    return {**asked, "page_token": page} if page else asked


async def _details(client: httpx.AsyncClient, id_: str) -> Vulnerability:
    told = (await client.get(f"/v1/vulns/{id_}")).raise_for_status().json()
    events = [
        event
        for affected in told.get("affected") or []
        for span in affected.get("ranges") or []
        if span.get("type") != "GIT"
        for event in span.get("events") or []
    ]
    return Vulnerability(
        id=id_,
        names=frozenset({id_, *told.get("aliases", [])}),
        summary=str(told.get("summary") or told.get("details") or "")[:500],
        severity=str((told.get("database_specific") or {}).get("severity") or "").upper(),
        fixed=tuple(dict.fromkeys(str(each["fixed"]) for each in events if "fixed" in each)),
    )


def _each_once(
    found: Sequence[tuple[Package, Vulnerability]], packages: Sequence[Package]
) -> list[tuple[Package, Vulnerability]]:
    """Databases give one cause several names: of those that share a name the one that tells its severity is kept."""
    kept: list[tuple[Package, Vulnerability]] = []
    for package in packages:
        mine: list[Vulnerability] = []
        for known in sorted(
            (each for of, each in found if of == package), key=lambda each: (not each.severity, each.id)
        ):
            if not any(known.names & other.names for other in mine):
                mine.append(known)
        kept += [(package, each) for each in mine]
    return kept
