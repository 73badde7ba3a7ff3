"""The express lane for reads: one transaction, asked for with nothing else.

Whoever sends transactions one at a time asks for them one at a time, again and again until they are
booked. What finds a route and makes up its parameters takes several times as long as the answer.
Such a question is answered here; one with anything more to it takes the ordinary way.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from anyio import to_thread

from tidebook.api import problems
from tidebook.api.express import ExpressRoute
from tidebook.api.routes.queries import TRANSACTION, told_transaction
from tidebook.errors import TidebookError

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

    from tidebook.engine.ports import Reader

_BENEATH: Final = "/transactions/"


class ExpressReads:
    """Answers for one transaction itself and passes everything else on.

    Args:
        app: What answers the rest.
        reader: Where answers come from.
    """

    def __init__(self, app: ASGIApp, reader: Reader) -> None:
        """Keep what answers."""
        self.app = app
        self._reader = reader

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass the request on."""
        if (
            scope["type"] != "http"
            or scope["method"] != "GET"
            or scope["query_string"]
            or not scope["path"].startswith(_BENEATH)
            or scope["path"] == _BENEATH
        ):
            await self.app(scope, receive, send)
            return
        scope["route"] = ExpressRoute(TRANSACTION)
        transaction_id: str = scope["path"][len(_BENEATH) :]
        answer = await to_thread.run_sync(self._answer, transaction_id, scope)
        await answer(scope, receive, send)

    def _answer(self, transaction_id: str, scope: Scope) -> Response:
        try:
            return told_transaction(self._reader, transaction_id, None)
        except TidebookError as error:
            problem = problems.problem_of(error)
            if problem.status == HTTPStatus.INTERNAL_SERVER_ERROR:
                raise  # it is logged with its trace, and answered, further out
            correlation_id: str = scope["state"]["correlation_id"]
            return problems.response(problem, instance=scope["path"], correlation_id=correlation_id)
