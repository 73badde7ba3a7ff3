"""Importing into a running server: retries, refusals, and what is still open afterwards."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.unit.cli.memory_book import MemoryBook, Openings
from tests.unit.cli.terminal import terminal
from tidebook.client.remote import Remote
from tidebook.errors import ServerRefusedError, ServerUnreachableError

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path


class Answer(NamedTuple):
    """One scripted answer."""

    status: int
    document: dict[str, object]
    retry_after: str = ""


class Asked(NamedTuple):
    """One request as it arrived."""

    method: str
    path: str
    prefer: str | None
    body: dict[str, list[dict[str, str]]]


class Script(BaseHTTPRequestHandler):
    """Answers as scripted, one answer after the other."""

    answers: list[Answer]
    asked: list[Asked]

    def do_POST(self) -> None:
        self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def do_GET(self) -> None:
        self._answer({})

    def _answer(self, body: dict[str, list[dict[str, str]]]) -> None:
        self.asked.append(Asked(self.command, self.path, self.headers.get("Prefer"), body))
        answer = self.answers.pop(0)
        content = json.dumps(answer.document).encode()
        self.send_response(answer.status)
        self.send_header("Content-Length", str(len(content)))
        if answer.retry_after:
            self.send_header("Retry-After", answer.retry_after)
        self.end_headers()
        self.wfile.write(content)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Keep quiet."""


@contextmanager
def scripted(*answers: Answer) -> Generator[tuple[str, list[Asked]]]:
    """Serve the answers and yield the address and what was asked."""
    asked: list[Asked] = []
    handler = type("S", (Script,), {"answers": list(answers), "asked": asked})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()


BOOKED = Answer(201, {"status": "BOOKED"})
ROWS = (
    "transaction_id,portfolio_id,security_id,transaction_date,transaction_type,quantity,price,"
    "gross_transaction_amount,trade_currency\n"
    "T1,P 1/2,ACME,2024-01-02T15:00:00Z,BUY,10,100.10,1001.00,USD\n"
)
FINDING = {
    "transaction_id": "T1",
    "portfolio_id": "P 1/2",
    "severity": "waiting",
    "sentence": "portfolio P 1/2 is not known",
    "remedy": "send it",
}


def test_rows_are_posted_with_their_digits_and_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(ROWS, encoding="utf-8")
    with scripted(BOOKED, Answer(200, {"findings": []})) as (url, asked):
        result = terminal(Openings(MemoryBook()), "import", str(path), "--url", url)
    assert result.exit_code == 0, result.stderr
    post, get = asked
    assert (post.path, post.prefer) == ("/ingest/transactions", "wait=60")
    assert post.body["transactions"][0]["price"] == "100.10"
    assert get.path == "/portfolios/P%201%2F2/findings"
    assert json.loads(result.stdout)["booked"] is True


def test_findings_of_a_portfolio_nobody_introduced_come_from_the_reply(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(ROWS, encoding="utf-8")
    replies = (
        Answer(201, {"status": "BOOKED", "findings": [FINDING]}),
        Answer(404, {"code": "portfolio.unknown", "detail": "no", "hint": "none"}),
    )
    with scripted(*replies) as (url, _):
        result = terminal(Openings(MemoryBook()), "import", str(path), "--url", url)
    assert json.loads(result.stdout)["findings"] == [FINDING]


def test_a_server_that_has_not_booked_yet_is_partial_success(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(ROWS, encoding="utf-8")
    with scripted(Answer(202, {"status": "QUEUED"}), Answer(200, {"findings": []})) as (url, _):
        result = terminal(Openings(MemoryBook()), "import", str(path), "--url", url)
    assert result.exit_code == 9


def test_a_full_server_is_asked_again_after_the_pause_it_names() -> None:
    pauses: list[float] = []
    full = Answer(429, {"code": "overloaded"}, "3")
    with scripted(full, full, BOOKED) as (url, asked):
        reply = Remote(url, sleep=pauses.append).post("/ingest/transactions", {"transactions": []})
    assert reply.status == 201
    assert pauses == [3.0, 3.0]
    assert len(asked) == 3


def test_a_server_that_stays_full_is_given_up() -> None:
    pauses: list[float] = []
    full = Answer(503, {"code": "store.unavailable", "detail": "down", "hint": "wait"}, "1000")
    with (
        scripted(*[full] * 8) as (url, _),
        pytest.raises(ServerRefusedError, match=r"503 store\.unavailable: down"),
    ):
        Remote(url, sleep=pauses.append).get("/health/ready")
    assert pauses == [30.0] * 7


def test_a_refusal_repeats_the_servers_words_and_its_list() -> None:
    document: dict[str, object] = {
        "code": "request.invalid",
        "detail": "2 faults",
        "hint": "correct them",
        "errors": [{"pointer": "/transactions/0", "code": "x", "detail": "wrong"}],
    }
    with scripted(Answer(422, document)) as (url, _), pytest.raises(ServerRefusedError) as caught:
        Remote(url).post("/ingest/transactions", {})
    assert caught.value.hint == "correct them"
    assert [fault.detail for fault in caught.value.faults] == ["wrong"]


def test_nobody_at_the_address_is_exit_7(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(ROWS, encoding="utf-8")
    with scripted() as (url, _):
        pass
    result = terminal(Openings(MemoryBook()), "import", str(path), "--url", url)
    assert result.exit_code == 7
    assert "server.unreachable" in result.stderr


@pytest.mark.parametrize("url", ["books", "file:///etc/passwd", "ftp://books"])
def test_an_address_of_no_web_server_is_refused_before_anything_is_sent(url: str) -> None:
    with pytest.raises(ServerUnreachableError, match="no address such as"):
        Remote(url)
