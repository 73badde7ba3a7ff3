"""Daily bars from Alpaca's market data API, page by page, with retries.

``GET /v2/stocks/bars`` is asked with ``adjustment=all``, so that a close contains every
distribution and split since: a level to compute total returns from. The bars of the funds here are
those of the ``iex`` feed unless another one is set, which is what a free account may read.
"""

from __future__ import annotations

import json
import time
from datetime import datetime
from decimal import Decimal, InvalidOperation
from http import HTTPStatus
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener
from zoneinfo import ZoneInfo

from tidebook.engine.benchmarks import ReturnBasis
from tidebook.errors import ProviderError
from tidebook.model.markets import DatedValue

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date
    from email.message import Message
    from typing import IO

_NAME: Final = "alpaca"
_PATH: Final = "/v2/stocks/bars"
_PAGE_BARS: Final = 10_000
_PAGES_MAX: Final = 100
_BYTES_MAX: Final = 32 * 1024 * 1024
_ATTEMPTS_MAX: Final = 4
_TIMEOUT_SECONDS: Final = 10.0
_PAUSE_FIRST_SECONDS: Final = 0.5
_PAUSE_MAX_SECONDS: Final = 30.0
_COME_BACK: Final = frozenset(
    {
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)
_NEAR: Final = frozenset({"127.0.0.1", "::1", "localhost"})
# A daily bar is stamped with midnight in New York, whatever offset that has.
_EXCHANGE: Final = ZoneInfo("America/New_York")


class _NoRedirect(HTTPRedirectHandler):
    """Follows nothing: a redirect would carry the keys to another address."""

    def redirect_request(  # noqa: PLR0913, PLR0917 - the signature is urllib's
        self,
        req: Request,  # noqa: ARG002 - as above
        fp: IO[bytes],  # noqa: ARG002 - as above
        code: int,  # noqa: ARG002 - as above
        msg: str,  # noqa: ARG002 - as above
        headers: Message,  # noqa: ARG002 - as above
        newurl: str,  # noqa: ARG002 - as above
    ) -> None:
        """Return nothing, which makes the redirect the refusal that it is."""
        return


class AlpacaBars:
    """Closing levels from Alpaca (see ``engine.benchmarks.Provider``).

    Args:
        key: The key id of an account.
        secret: Its secret.
        url: The address of the market data API.
        feed: ``iex`` or ``sip``; which one an account may read depends on its plan.
        sleep: Waits between attempts.
    """

    name: str = _NAME
    basis: ReturnBasis = ReturnBasis.TOTAL

    def __init__(
        self,
        key: str,
        secret: str,
        *,
        url: str = "https://data.alpaca.markets",
        feed: str = "iex",
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        """Keep the keys and the address; nothing is sent yet.

        Raises:
            ProviderError: If it is no address of a web server.
        """
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ProviderError(_NAME, f"{url} is no address such as https://data.alpaca.markets")
        self._url = url.rstrip("/")
        self._headers = {"APCA-API-KEY-ID": key, "APCA-API-SECRET-KEY": secret}
        self._feed = feed
        self._sleep = sleep
        near = [ProxyHandler({})] if parts.hostname in _NEAR else []
        self._opener = build_opener(_NoRedirect(), *near)

    def fetch(self, symbol: str, start: date, end: date) -> tuple[DatedValue, ...]:
        """Return the adjusted closes of the days from ``start`` to ``end``, oldest first.

        Raises:
            ProviderError: If it cannot be reached, refuses, or its answer cannot be read.
        """
        asked = {
            "symbols": symbol,
            "timeframe": "1Day",
            "start": start.isoformat(),
            "end": end.isoformat(),
            "adjustment": "all",
            "feed": self._feed,
            "limit": str(_PAGE_BARS),
            "sort": "asc",
        }
        found: dict[date, Decimal] = {}
        for _ in range(_PAGES_MAX):
            document = self._patiently(asked)
            for bar in _bars_of(document, symbol):
                on = _day_of(bar)
                found[on] = _close_of(bar)
            token = document.get("next_page_token")
            if not token:
                return tuple(DatedValue(on, found[on]) for on in sorted(found))
            asked["page_token"] = str(token)
        raise ProviderError(_NAME, f"its answer for {symbol} has more than {_PAGES_MAX} pages")

    def _patiently(self, asked: Mapping[str, str]) -> Mapping[str, Any]:
        """Ask for one page, again after a pause where that may help."""
        address = f"{self._url}{_PATH}?{urlencode(asked)}"
        request = Request(address, headers=self._headers)  # noqa: S310 - the scheme was checked
        pause = _PAUSE_FIRST_SECONDS
        for attempt in range(1, _ATTEMPTS_MAX + 1):
            try:
                with self._opener.open(request, timeout=_TIMEOUT_SECONDS) as answer:
                    return _document(answer.read(_BYTES_MAX + 1))
            except HTTPError as error:
                with error:
                    why = f"it answered {error.code}{_message(error)}"
                    if error.code not in _COME_BACK:
                        raise ProviderError(_NAME, why) from None
                    wanted = error.headers.get("Retry-After", "")
                pause = max(pause, float(wanted) if wanted.isdecimal() else 0.0)
            except URLError as error:
                why = f"it cannot be reached: {error.reason}"
            except (OSError, HTTPException) as error:
                why = f"the connection failed: {error!r}"
            if attempt == _ATTEMPTS_MAX:
                raise ProviderError(_NAME, f"{why}, {attempt} times")
            self._sleep(min(pause, _PAUSE_MAX_SECONDS))
            pause *= 2
        raise AssertionError


def _document(content: bytes) -> Mapping[str, Any]:
    if len(content) > _BYTES_MAX:
        raise ProviderError(_NAME, f"its answer is larger than {_BYTES_MAX} bytes")
    try:
        document = json.loads(content, parse_float=Decimal)
    except ValueError as error:
        raise ProviderError(_NAME, f"its answer is no JSON: {error}") from None
    if not isinstance(document, dict):
        raise ProviderError(_NAME, "its answer is no JSON object")
    return cast("dict[str, Any]", document)


def _bars_of(document: Mapping[str, Any], symbol: str) -> list[Mapping[str, Any]]:
    bars = document.get("bars")
    if bars is None:
        return []
    if not isinstance(bars, dict):
        raise ProviderError(_NAME, "its answer holds no bars by symbol")
    mine: object = cast("dict[str, Any]", bars).get(symbol)
    if mine is None:
        return []
    if not isinstance(mine, list):
        raise ProviderError(_NAME, f"its answer holds no list of bars for {symbol}")
    return cast("list[Mapping[str, Any]]", mine)


def _day_of(bar: Mapping[str, Any]) -> date:
    try:
        at = datetime.fromisoformat(str(bar["t"]))
    except (KeyError, TypeError, ValueError):
        raise ProviderError(_NAME, f"a bar has no instant: {bar!r}") from None
    return at.astimezone(_EXCHANGE).date()


def _close_of(bar: Mapping[str, Any]) -> Decimal:
    try:
        close = Decimal(str(bar["c"]))
    except (KeyError, TypeError, InvalidOperation):
        raise ProviderError(_NAME, f"a bar has no close: {bar!r}") from None
    if not (close.is_finite() and close > 0):
        raise ProviderError(_NAME, f"a bar has a close that is none: {bar!r}")
    return close


def _message(error: HTTPError) -> str:
    """Return what the provider says about a refusal, as far as it says anything."""
    try:
        document = json.loads(error.read(_BYTES_MAX))
    except (ValueError, OSError, HTTPException):
        return ""
    told = cast("dict[str, Any]", document).get("message") if isinstance(document, dict) else None
    return f": {told}" if told else ""
