"""Tidebook as its users run it: a server in a process of its own, spoken to over HTTP."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from bench.spending import children

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence
    from datetime import date

    from tidebook.model.facts import Price, Transaction
    from tidebook.model.instruments import Instrument
    from tidebook.model.portfolios import Portfolio

CONNECTIONS = 4
ROLES = ("book", "series", "query", "ingest")
_END_SECONDS = 60
_OK, _BUSY = 200, 503
_TAKEN = frozenset({201, 202})
_TIMEOUT_SECONDS = 120


class Served(NamedTuple):
    """A server that answers: where, and which process it is."""

    address: str
    pid: int

    def connection(self) -> HTTPConnection:
        """Return a new connection to it."""
        return HTTPConnection(urlsplit(self.address).netloc, timeout=_TIMEOUT_SECONDS)

    def get(self, path: str) -> bytes:
        """Return the body of an answer, which must be a good one."""
        connection = self.connection()
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status == _OK, (path, answer.status, body[:300])
        connection.close()
        return body

    def post_all(self, path: str, bodies: Sequence[bytes], connections: int = CONNECTIONS) -> int:
        """Post bodies, in turn, over several connections that each wait for their answers.

        A 503 is answered by sending the same body again, as the door asks for. Returns how often
        that was needed.
        """
        waiting: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        for body in bodies:
            waiting.put(body)
        with ThreadPoolExecutor(connections) as pool:
            shares = [pool.submit(self._post_some, path, waiting) for _ in range(connections)]
            return sum(share.result() for share in shares)

    def _post_some(self, path: str, waiting: queue.SimpleQueue[bytes]) -> int:
        connection = self.connection()
        headers = {"Content-Type": "application/json"}
        repeated = 0
        while True:
            try:
                body = waiting.get_nowait()
            except queue.Empty:
                connection.close()
                return repeated
            while True:
                connection.request("POST", path, body, headers)
                answer = connection.getresponse()
                said = answer.read()
                if answer.status != _BUSY:
                    break
                repeated += 1
                connection.close()  # the server would close it, were it idle for so long
                time.sleep(float(answer.headers.get("Retry-After", "0.05")))
            assert answer.status in _TAKEN, (answer.status, said[:300])


@contextmanager
def served(folder: Path) -> Generator[Served]:
    """Give a server of ``tidebook serve`` on a data directory, and end it afterwards."""
    with started(["serve", "--port", "0", "--data", str(folder)]) as process:
        assert process.stdout is not None
        yield Served(process.stdout.readline().strip(), process.pid)


@contextmanager
def served_apart(
    folder: Path, bootstrap: str, roles: Sequence[str] = ROLES
) -> Generator[Mapping[str, Served]]:
    """Give roles as processes of their own, with Kafka between them, by role."""
    over_kafka = {"TIDEBOOK_BUS": "kafka", "TIDEBOOK_KAFKA_BOOTSTRAP": bootstrap}
    with ExitStack() as stack:
        found: dict[str, Served] = {}
        for role in roles:
            words = ["serve", "--role", role, "--port", "0", "--data", str(folder)]
            process = stack.enter_context(started(words, over_kafka))
            assert process.stdout is not None
            found[role] = Served(process.stdout.readline().strip(), process.pid)
        yield found


@contextmanager
def started(
    arguments: Sequence[str], settings: Mapping[str, str] | None = None
) -> Generator[subprocess.Popen[str]]:
    """Give a process of the program, and interrupt it afterwards as Ctrl-C does."""
    command = [sys.executable, "-m", "tidebook", *arguments]
    quiet = os.environ | {"TIDEBOOK_LOG_LEVEL": "warning"} | dict(settings or {})
    with subprocess.Popen(command, env=quiet, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(_END_SECONDS)


def resident_megabytes(pid: int | None = None) -> float:
    """Return the resident memory of a process, this one unless said otherwise (Linux).

    A server's is that of the processes it has started as well; pages that they share count twice.
    """
    if pid is None:
        return _resident("self")
    return sum(map(_resident, [str(pid), *map(str, children(pid))]))


def _resident(process: str) -> float:
    text = Path("/proc", process, "status").read_text(encoding="ascii")
    line = next(line for line in text.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


def bare_python_megabytes() -> float:
    """Return the resident memory of a Python process that has done nothing."""
    read = "print(next(l for l in open('/proc/self/status') if l.startswith('VmRSS:')).split()[1])"
    said = subprocess.run([sys.executable, "-c", read], stdout=subprocess.PIPE, check=True)
    return int(said.stdout) / 1024


def portfolio_body(portfolios: Sequence[Portfolio]) -> bytes:
    """Return portfolios as a request."""
    rows = [
        {
            "portfolio_id": each.portfolio_id,
            "base_currency": each.base_currency,
            "open_date": each.open_date.isoformat(),
        }
        for each in portfolios
    ]
    return json.dumps({"portfolios": rows}).encode()


def instrument_body(instruments: Sequence[Instrument]) -> bytes:
    """Return instruments as a request."""
    rows = [
        {
            "security_id": each.security_id,
            "name": each.name,
            "instrument_currency": each.currency,
            "product_type": each.product_type,
        }
        for each in instruments
    ]
    return json.dumps({"instruments": rows}).encode()


def business_date_body(days: Sequence[date]) -> bytes:
    """Return business dates as a request."""
    return json.dumps({"business_dates": [{"business_date": str(day)} for day in days]}).encode()


def price_body(prices: Sequence[Price]) -> bytes:
    """Return closing prices as a request, each as text."""
    rows = [
        {
            "security_id": each.security_id,
            "price_date": each.on.isoformat(),
            "price": str(each.price),
            "currency": each.currency,
        }
        for each in prices
    ]
    return json.dumps({"market_prices": rows}).encode()


def single_body(fact: Transaction) -> bytes:
    """Return one transaction as a request of its own."""
    return _transaction_text(fact).encode()


def transaction_body(transactions: Sequence[Transaction]) -> bytes:
    """Return transactions as a request: amounts as JSON numbers, every digit as it stands."""
    return f'{{"transactions": [{", ".join(map(_transaction_text, transactions))}]}}'.encode()


def _transaction_text(fact: Transaction) -> str:
    assert fact.traded_at is not None
    words = json.dumps(
        {
            "transaction_id": fact.transaction_id,
            "portfolio_id": fact.portfolio_id,
            "security_id": fact.security_id,
            "instrument_id": fact.security_id,
            "transaction_type": fact.type.value,
            "transaction_date": fact.traded_at.isoformat(),
            "trade_currency": fact.trade_currency,
            "currency": fact.currency,
        }
    )
    numbers = (
        f'"quantity": {fact.quantity}, "price": {fact.price}, '
        f'"gross_transaction_amount": {fact.gross}, "trade_fee": {fact.fee}'
    )
    return f"{words[:-1]}, {numbers}}}"
