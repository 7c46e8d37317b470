"""The baseline of figure h: a bare route that checks an HMAC and inserts one document. ``uvicorn`` serves it."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from pymongo import AsyncMongoClient

from ledger.store import DURABLE


@asynccontextmanager
async def _open(app: FastAPI) -> AsyncIterator[None]:
    async with AsyncMongoClient[dict[str, object]](os.environ["SHIPLINE_MONGODB_URI"]) as client:
        app.state.inbox = client.get_database("bare").get_collection("inbox", write_concern=DURABLE)
        yield


app = FastAPI(lifespan=_open)


@app.post("/hook", status_code=202)
async def hook(request: Request) -> Response:
    """Check, insert, acknowledge."""
    body = await request.body()
    good = "sha256=" + hmac.new(os.environ["BARE_SECRET"].encode(), body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(good, request.headers["x-hub-signature-256"]):
        return Response(status_code=401)
    await app.state.inbox.insert_one({"_id": str(uuid.uuid4()), "payload": json.loads(body)})
    return Response(status_code=202)
