from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from chassis.events import event


@event("sample.note_taken", version=1, consumers=("order",))
@dataclass(frozen=True, kw_only=True)
class NoteTaken:
    text: str
    price: Decimal = Decimal("0.10")
    author: UUID | None = None
    at: datetime | None = None
