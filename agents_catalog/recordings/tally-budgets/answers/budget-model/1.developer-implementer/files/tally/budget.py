"""One budget."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self


@dataclass(frozen=True)
class Budget:
    """What a category may cost in a month."""

    category: str
    limit: Decimal

    def to_json(self) -> dict[str, Any]:
        """The budget as the file and the service write it."""
        return {"category": self.category, "limit": str(self.limit)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """The budget that ``to_json`` wrote."""
        return cls(data["category"], Decimal(data["limit"]))
