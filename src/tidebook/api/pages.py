"""What the application asks of pages for people, when it is given some."""

from __future__ import annotations

from typing import Protocol

from fastapi import APIRouter
from starlette.responses import Response

from tidebook.errors import Problem


class Pages(Protocol):
    """Routes that answer with HTML, and what a refusal looks like there."""

    @property
    def router(self) -> APIRouter:
        """The routes."""
        ...

    def owns(self, path: str) -> bool:
        """Tell whether whoever asks for a path came for a page."""
        ...

    def refusal(self, problem: Problem, *, correlation_id: str) -> Response:
        """Return a refusal as a page."""
        ...
