"""What is answered about facts that are durable and not booked yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tidebook.api.replies import Json


def queued(count: int, what: str, correlation_id: str, *, purpose: str = "processing") -> Json:
    """Return how many facts of which kind were taken, and under which id."""
    noun = what if count == 1 else f"{what}s"
    return {
        "message": f"Successfully queued {count} {noun} for {purpose}.",
        "accepted_count": count,
        "correlation_id": correlation_id,
    }
