"""What was told to the App's webhook, and telling it again."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request

from sandbox.answers import Json, not_found
from sandbox.context import Here
from sandbox.store import Row

router = APIRouter(prefix="/app/hook")


def _shape(row: Row) -> dict[str, Any]:
    good = 200 <= row["status_code"] < 300
    return {
        "id": row["id"], "guid": row["guid"], "delivered_at": row["delivered_at"],
        "redelivery": bool(row["redelivery"]), "duration": 0.01, "status": "OK" if good else "failed to connect",
        "status_code": row["status_code"], "event": row["event"], "action": row["action"], "installation_id": None,
        "repository_id": row["repository_id"], "throttled_at": None,
    }  # fmt: skip


@router.get("/deliveries")
async def deliveries(call: Here) -> Json:
    """The newest first."""
    rows, total = call.rows("*", "hook_deliveries WHERE 1 ORDER BY id DESC", born=None)
    return call.listed([_shape(row) for row in rows], total)


@router.post("/deliveries/{delivery_id:int}/attempts", status_code=202)
async def again(call: Here, delivery_id: int, request: Request) -> Json:
    """Send one again, under the id that it had."""
    row = call.store.one("SELECT * FROM hook_deliveries WHERE id = ?", delivery_id)
    if row is None or request.app.state.teller is None:
        raise not_found()
    call.store.update("hook_deliveries", delivery_id, redelivery=1)
    await request.app.state.teller.deliver(row)
    return Json({}, 202)
