"""The common shape of what the ledger keeps: snake_case in Python, camelCase in Mongo and JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

ASCENDING, DESCENDING = 1, -1


def now() -> datetime:
    """The current time in UTC, cut to milliseconds because BSON keeps no more."""
    stamp = datetime.now(UTC)
    return stamp.replace(microsecond=stamp.microsecond // 1000 * 1000)


class Model(BaseModel):
    """A value inside a document, or an answer at a boundary. Unknown fields are errors."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")


class Index(NamedTuple):
    """An index of a collection: Mongo names, each ``ASCENDING`` or ``DESCENDING``. ``only``: of documents like that.

    It is not PyMongo's own: who only passes models on, as a step on a runner does, need not import a database driver.
    """

    keys: tuple[tuple[str, int], ...]
    unique: bool = False
    only: dict[str, Any] | None = None
    name: str | None = None


class Document(Model):
    """One document of a collection. ``id`` is Mongo's ``_id``; indexes are declared beside the fields they serve."""

    COLLECTION: ClassVar[str]
    INDEXES: ClassVar[tuple[Index, ...]] = ()

    id: str = Field(alias="_id")

    def to_mongo(self) -> dict[str, Any]:
        """The document as Mongo stores it."""
        return self.model_dump(by_alias=True, mode="python")

    @classmethod
    def from_mongo(cls, found: dict[str, Any]) -> Self:
        """The model of a stored document; fields that a newer version wrote are dropped, not refused."""
        return cls.model_validate(found, extra="ignore")


class Stamped(Document):
    """A document that changes and says when."""

    created_at: datetime = Field(default_factory=now, alias="created_at")
    updated_at: datetime = Field(default_factory=now, alias="updated_at")
