"""The Mongo store: a connection, and the few verbs that every write goes through.

Each verb touches one document. Text is redacted here, so that no caller can forget to.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Any, Self, TypeVar

import pymongo
from bson.codec_options import CodecOptions
from pymongo import AsyncMongoClient, IndexModel, ReturnDocument
from pymongo.errors import AutoReconnect, DuplicateKeyError, PyMongoError
from pymongo.write_concern import WriteConcern

from ledger.models import DOCUMENTS, Document, PendingEvent, now
from ledger.models.base import Index
from ledger.patience import Patience, PatientCollection, is_away
from shipline.errors import NotFound, Unavailable
from shipline.redact import redact

D = TypeVar("D", bound=Document)
Raw = dict[str, Any]

# An acknowledged write has reached the journal of most members: it survives a kill of mongod.
DURABLE = WriteConcern(w="majority", j=True)
# How long one worker may be silent before another may follow it.
LEASE = timedelta(seconds=30)
PATIENCE = 120.0


class Store:
    """The ledger's database. Make one an event loop; ``close`` it when done.

    It is patient: while the database is away (restarted, failing over), each verb is tried again for ``patience``
    seconds, and a write that was done but not answered is not done twice. Then Unavailable is raised.
    """

    def __init__(
        self, client: AsyncMongoClient[Raw], database: str, *, lease: timedelta = LEASE, patience: float = PATIENCE
    ) -> None:
        self._client = client
        self.lease = lease
        self._patience = Patience(patience)
        self._database = client.get_database(database, codec_options=CodecOptions(tz_aware=True), write_concern=DURABLE)

    @classmethod
    async def open(
        cls,
        uri: str,
        database: str = "shipline",
        *,
        timeout: float = 10,
        lease: timedelta = LEASE,
        patience: float = PATIENCE,
    ) -> Self:
        """Connect and declare the indexes. Raises Unavailable when no MongoDB answers within ``timeout`` seconds."""
        milliseconds = int(patience * 1000)
        client: AsyncMongoClient[Raw] = AsyncMongoClient(
            uri, tz_aware=True, serverSelectionTimeoutMS=milliseconds, timeoutMS=milliseconds
        )
        store = cls(client, database, lease=lease, patience=patience)
        try:
            await store._declare_indexes(timeout)
        except PyMongoError as error:
            await client.close()
            if is_away(error):
                raise Unavailable(
                    "MongoDB does not answer.", "Is the stack running (`shipline up`), or SHIPLINE_MONGODB_URI right?"
                ) from None
            raise Unavailable(f"MongoDB refuses the ledger: {error}.", "See `shipline doctor`.") from error
        return store

    async def _declare_indexes(self, timeout: float) -> None:
        until = time.monotonic() + timeout
        with pymongo.timeout(timeout):
            for document in DOCUMENTS:
                while document.INDEXES:
                    try:
                        await self._database[document.COLLECTION].create_indexes(
                            [_as_mongo(each) for each in document.INDEXES]
                        )
                        break
                    except AutoReconnect as error:  # the one verb that the driver does not repeat; twice is once
                        if error.timeout or time.monotonic() > until:
                            raise
                        await asyncio.sleep(0.1)

    async def close(self) -> None:
        """Release the connections."""
        await self._client.close()

    def collection(self, document: type[Document], concern: WriteConcern | None = None) -> PatientCollection:
        """The raw collection of a model, for queries that the verbs do not cover; writes are durable, unless said."""
        return PatientCollection(self._database, document.COLLECTION, self._patience, concern)

    def stirring(
        self, model: type[Document], query: Mapping[str, Any], within: float
    ) -> AbstractAsyncContextManager[Callable[[], Awaitable[None]]]:
        """Gives a call that returns when a document that fits was inserted, or after ``within`` seconds."""
        fits = {f"fullDocument.{name}": value for name, value in query.items()}
        return self.collection(model).stirring([{"$match": {"operationType": "insert", **fits}}], within)

    async def insert(self, document: Document) -> bool:
        """Store a new document; False when its id (or another unique key) is taken."""
        try:
            await self.collection(type(document)).insert_one(redact(document.to_mongo()))
        except DuplicateKeyError:
            return False
        return True

    async def get(self, model: type[D], document_id: str) -> D:
        """The document with this id; NotFound when there is none."""
        found = await self.find_one(model, {"_id": document_id})
        if found is None:
            raise NotFound(f"There is no {model.__name__.lower()} {document_id!r}.", "`shipline runs` lists the runs.")
        return found

    async def find_one(self, model: type[D], query: Mapping[str, Any], *, newest: bool = False) -> D | None:
        """The first document that fits (the newest by ``created_at`` when asked), or None."""
        sort = [("created_at", -1)] if newest else None
        found = await self.collection(model).find_one(dict(query), sort=sort)
        return None if found is None else model.from_mongo(found)

    async def find(
        self, model: type[D], query: Mapping[str, Any], sort: list[tuple[str, int]] | None = None, limit: int = 0
    ) -> list[D]:
        """All documents that fit, in order; ``limit`` 0 means every one."""
        found = await self.collection(model).read_all(filter=dict(query), sort=sort, limit=limit)
        return [model.from_mongo(each) for each in found]

    async def change(
        self,
        model: type[D],
        document_id: str,
        values: Mapping[str, Any],
        *,
        expect: Mapping[str, Any] | None = None,
        event: PendingEvent | None = None,
        add: Mapping[str, int] | None = None,
    ) -> D | None:
        """Compare and set: ``values`` (Mongo names) if ``expect`` holds, with its ``event`` in the same write.

        ``add`` increments. Returns the changed document, or None when the expectation did not hold. The event waits in
        the document's outbox; ``ledger.timeline.drain`` carries it to the timeline.
        """
        update: Raw = {"$set": {**redact(dict(values)), "updated_at": now()}}
        if add:
            update["$inc"] = dict(add)
        if event is not None:
            update["$push"] = {"outbox": redact(event.model_dump(by_alias=True))}
        found = await self.collection(model).find_one_and_update(
            {"_id": document_id, **(expect or {})}, update, return_document=ReturnDocument.AFTER
        )
        return None if found is None else model.from_mongo(found)


def _as_mongo(index: Index) -> IndexModel:
    only = {"partialFilterExpression": index.only} if index.only is not None else {}
    return IndexModel(list(index.keys), unique=index.unique, name=index.name, **only)
