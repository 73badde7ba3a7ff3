"""Alpaca's bars, from a server on this machine that answers as Alpaca does.

The shapes are those of ``GET /v2/stocks/bars``: bars by symbol, stamped with midnight in New York
as UTC, and a token for the next page.
"""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tidebook.adapters.alpaca import AlpacaBars
from tidebook.errors import ProviderError
from tidebook.model.markets import DatedValue

if TYPE_CHECKING:
    from collections.abc import Iterator

FIRST, LAST = date(2024, 1, 2), date(2024, 7, 3)
PAGE_ONE = (
    '{"bars":{"SPY":[{"c":465.123456789,"h":473.67,"l":470.49,"n":1070171,"o":472.16,'
    '"t":"2024-01-02T05:00:00Z","v":123623700,"vw":472.598397}]},"next_page_token":"U1BZfDF8"}'
)
PAGE_TWO = (
    '{"bars":{"SPY":[{"c":544.5,"h":551.83,"l":544.2,"n":1,"o":546.0,'
    '"t":"2024-07-02T04:00:00Z","v":1,"vw":545.1}]},"next_page_token":null}'
)
NOTHING = '{"bars":{},"next_page_token":null}'


class Server:
    """Answers with the replies it was given, one after the other, and keeps what was asked."""

    def __init__(self) -> None:
        self.replies: list[tuple[int, str, dict[str, str]]] = []
        self.asked: list[tuple[dict[str, list[str]], dict[str, str]]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                server.asked.append((parse_qs(parts.query), dict(self.headers)))
                known = parts.path == "/v2/stocks/bars" and server.replies
                status, text, headers = server.replies.pop(0) if known else (404, "{}", {})
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401 - the base's
                """Say nothing."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        self.thread = Thread(target=self.http.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    def reply(self, text: str, status: int = 200, **headers: str) -> None:
        self.replies.append((status, text, {k.replace("_", "-"): v for k, v in headers.items()}))


@pytest.fixture(name="server")
def running() -> Iterator[Server]:
    server = Server()
    try:
        yield server
    finally:
        server.http.shutdown()
        server.http.server_close()
        server.thread.join()


@pytest.fixture(name="pauses")
def no_pauses() -> list[float]:
    return []


@pytest.fixture(name="bars")
def client(server: Server, pauses: list[float]) -> AlpacaBars:
    return AlpacaBars("PK-1", "SK-hidden", url=server.url, sleep=pauses.append)


def test_every_page_is_read_adjusted_and_with_every_digit(server: Server, bars: AlpacaBars) -> None:
    server.reply(PAGE_ONE)
    server.reply(PAGE_TWO)
    assert bars.fetch("SPY", FIRST, LAST) == (
        DatedValue(date(2024, 1, 2), Decimal("465.123456789")),
        DatedValue(date(2024, 7, 2), Decimal("544.5")),
    )
    (first, headers), (second, _) = server.asked
    assert first == {
        "symbols": ["SPY"],
        "timeframe": ["1Day"],
        "start": ["2024-01-02"],
        "end": ["2024-07-03"],
        "adjustment": ["all"],
        "feed": ["iex"],
        "limit": ["10000"],
        "sort": ["asc"],
    }
    assert second == first | {"page_token": ["U1BZfDF8"]}
    sent = {name.lower(): value for name, value in headers.items()}
    assert sent["apca-api-key-id"] == "PK-1"
    assert sent["apca-api-secret-key"] == "SK-hidden"


def test_no_bars_are_no_levels(server: Server, bars: AlpacaBars) -> None:
    server.reply(NOTHING)
    assert bars.fetch("SPY", FIRST, LAST) == ()


def test_a_server_that_is_busy_is_asked_again(
    server: Server, bars: AlpacaBars, pauses: list[float]
) -> None:
    server.reply('{"message":"too many requests."}', 429, Retry_After="3")
    server.reply("", 502)
    server.reply(PAGE_TWO)
    assert [point.on for point in bars.fetch("SPY", FIRST, LAST)] == [date(2024, 7, 2)]
    assert pauses[0] == 3.0
    assert len(pauses) == 2
    assert pauses[1] > pauses[0]


def test_one_that_stays_busy_is_left_alone(
    server: Server, bars: AlpacaBars, pauses: list[float]
) -> None:
    for _ in range(9):
        server.reply('{"message":"internal server error"}', 500)
    with pytest.raises(ProviderError, match=r"answered 500: internal server error, 4 times"):
        bars.fetch("SPY", FIRST, LAST)
    assert len(server.asked) == 4
    assert pauses == [0.5, 1.0, 2.0]


def test_wrong_keys_are_told_and_not_repeated(server: Server, bars: AlpacaBars) -> None:
    server.reply('{"message": "forbidden."}', 403)
    with pytest.raises(ProviderError, match=r"answered 403: forbidden\.") as refused:
        bars.fetch("SPY", FIRST, LAST)
    assert len(server.asked) == 1
    assert "SK-hidden" not in str(refused.value) + refused.value.hint


def test_keys_do_not_follow_a_redirect(server: Server, bars: AlpacaBars) -> None:
    server.reply("", 302, Location=f"{server.url}/v2/stocks/bars")
    with pytest.raises(ProviderError, match="answered 302"):
        bars.fetch("SPY", FIRST, LAST)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("<html>", "no JSON"),
        ("[]", "no JSON object"),
        ('{"bars": []}', "no bars by symbol"),
        ('{"bars": {"SPY": {}}, "next_page_token": null}', "no list of bars"),
        ('{"bars": {"SPY": [{"c": 1}]}}', "no instant"),
        ('{"bars": {"SPY": [{"t": "2024-01-02T05:00:00Z"}]}}', "no close"),
        ('{"bars": {"SPY": [{"t": "2024-01-02T05:00:00Z", "c": 0}]}}', "a close that is none"),
        ('{"bars": {"SPY": [{"t": "2024-01-02T05:00:00Z", "c": "NaN"}]}}', "a close that is none"),
        ('{"bars": {"SPY": ["x"]}}', "no instant"),
    ],
)
def test_an_answer_that_cannot_be_read_makes_no_levels(
    server: Server, bars: AlpacaBars, text: str, why: str
) -> None:
    server.reply(text)
    with pytest.raises(ProviderError, match=why):
        bars.fetch("SPY", FIRST, LAST)


def test_pages_without_end_are_refused(server: Server, bars: AlpacaBars) -> None:
    for _ in range(100):
        server.reply(json.dumps({"bars": {}, "next_page_token": "more"}))
    with pytest.raises(ProviderError, match="more than 100 pages"):
        bars.fetch("SPY", FIRST, LAST)


def test_nobody_at_the_address_is_said_so(pauses: list[float]) -> None:
    gone = Server()
    gone.http.shutdown()
    gone.http.server_close()
    bars = AlpacaBars("PK-1", "SK-1", url=gone.url, sleep=pauses.append)
    with pytest.raises(ProviderError, match="cannot be reached"):
        bars.fetch("SPY", FIRST, LAST)
    assert len(pauses) == 3


def test_what_is_no_address_is_refused_at_once() -> None:
    with pytest.raises(ProviderError, match="is no address"):
        AlpacaBars("PK-1", "SK-1", url="file:///etc/passwd")
