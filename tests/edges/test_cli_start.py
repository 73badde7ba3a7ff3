"""Starting the program: what it imports, how it ends, and the commands that serve."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.cli.memory_book import MemoryBook, Openings
from tests.unit.cli.terminal import terminal
from tidebook.cli.demo import free_port
from tidebook.cli.demo_facts import demo_requests
from tidebook.config import EVERY_ROLE, Role

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tidebook.config import Settings

HEAVY = ("fastapi", "sqlalchemy", "alembic", "psycopg", "numpy")


@pytest.mark.parametrize(
    "arguments", [["--help"], ["version"], ["import", "--help"], ["cancel", "--help"]]
)
def test_help_and_version_import_nothing_heavy(arguments: list[str]) -> None:
    program = (
        "import sys; from tidebook.cli import main; sys.argv = ['tidebook', *sys.argv[1:]]\n"
        "try: main()\n"
        "except SystemExit as end: assert end.code in (0, None), end.code\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_program_runs_as_a_module_and_answers_help() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tidebook", "--help"], capture_output=True, text=True, check=True
    )
    commands = done.stdout.partition("Commands:")[2]
    assert [line.split()[0] for line in commands.splitlines()[1:27]] == [
        "demo",
        "serve",
        "import",
        "cancel",
        "reprocess",
        "positions",
        "lots",
        "gains",
        "transactions",
        "actions",
        "performance",
        "risk",
        "compare",
        "tearsheet",
        "explain",
        "compliance",
        "tax",
        "findings",
        "reconcile",
        "health",
        "restatements",
        "verify",
        "dlq",
        "retention",
        "db",
        "version",
    ]


def test_an_error_that_nobody_foresaw_has_an_id_and_a_trace_on_request() -> None:
    program = (
        "import sys; from tidebook.cli.refusals import last_words\n"
        "sys.excepthook = last_words(int(sys.argv[1])); {}['key']"
    )
    quiet, loud = (
        subprocess.run(
            [sys.executable, "-c", program, level], capture_output=True, text=True, check=False
        )
        for level in ("0", "2")
    )
    assert quiet.returncode == loud.returncode == 1
    assert quiet.stderr.splitlines()[0] == "tidebook: unexpected: KeyError: 'key'"
    assert "error id" in quiet.stderr
    assert "Traceback" not in quiet.stderr
    assert "Traceback" in loud.stderr


def test_serve_hands_on_host_and_port_and_prints_the_address() -> None:
    seen: list[Settings] = []

    def server(settings: Settings, *, on_ready: Callable[[str], None]) -> None:
        seen.append(settings)
        on_ready(f"http://{settings.host}:{settings.port}")
        raise KeyboardInterrupt

    result = terminal(
        Openings(MemoryBook()),
        "serve",
        "--host",
        "192.0.2.1",
        "--port",
        "8123",
        server=server,
    )
    assert result.exit_code == 0
    assert result.stdout == "http://192.0.2.1:8123\n"
    assert (seen[0].host, seen[0].port) == ("192.0.2.1", 8123)


@pytest.mark.parametrize(
    ("words", "roles", "port"),
    [
        ([], EVERY_ROLE, 8000),
        (["--role", "all"], EVERY_ROLE, 8000),
        (["--role", "query"], (Role.QUERY,), 8001),
        (["--role", "series,book"], (Role.BOOK, Role.SERIES), 8002),
        (["--role", "series"], (Role.SERIES,), 8003),
        (["--role", "control"], (Role.CONTROL,), 8005),
        (["--role", "live"], (Role.LIVE,), 8004),
        (["--role", "query", "--port", "9000"], (Role.QUERY,), 9000),
    ],
)
def test_serve_plays_the_roles_that_are_named_on_the_port_of_the_first(
    words: list[str], roles: tuple[Role, ...], port: int
) -> None:
    seen: list[Settings] = []

    def server(settings: Settings, *, on_ready: Callable[[str], None]) -> None:
        seen.append(settings)
        on_ready("")

    assert terminal(Openings(MemoryBook()), "serve", *words, server=server).exit_code == 0
    assert (seen[0].roles, seen[0].port) == (roles, port)


def test_a_role_that_there_is_not_is_refused() -> None:
    result = terminal(Openings(MemoryBook()), "serve", "--role", "book,trader")
    assert result.exit_code == 3
    assert "role trader cannot be played: there is no such role" in " ".join(result.stderr.split())


class OldSchema:
    """A schema one version behind."""

    def upgrade(self, settings: Settings) -> str:
        return f"0002 in {settings.data_dir}"

    def current(self, settings: Settings) -> tuple[str | None, str]:
        assert settings.database_url is None
        return "0001", "0002"


def test_db_current_of_an_old_schema_ends_with_code_8_and_upgrade_says_the_new() -> None:
    store = Openings(MemoryBook())
    result = terminal(store, "db", "current", migrator=OldSchema())
    assert result.exit_code == 8
    assert result.stdout == "0001\n"
    assert "run tidebook db upgrade" in result.stderr
    upgraded = terminal(store, "db", "upgrade", "--data", "books", migrator=OldSchema())
    assert upgraded.stdout == "0002 in books\n"
    assert terminal(store, "db", "current").exit_code == 0


class Doorman(BaseHTTPRequestHandler):
    """Answers every POST as a server does that books at once."""

    posts: list[tuple[str, str | None, int]]
    refuses: str | None

    def do_POST(self) -> None:
        body: dict[str, list[Any]] = json.loads(
            self.rfile.read(int(self.headers["Content-Length"]))
        )
        count = sum(len(rows) for rows in body.values())
        self.posts.append((self.path, self.headers.get("Prefer"), count))
        refused = self.path == self.refuses
        problem = {"code": "request.invalid", "detail": "no", "hint": "do it otherwise"}
        answer = json.dumps(problem if refused else {"status": "BOOKED"}).encode()
        self.send_response(422 if refused else 201)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Keep quiet."""


class FrontDoor:
    """A server for the demo: runs until the process is interrupted, like the real one."""

    def __init__(self, refuses: str | None = None) -> None:
        self.posts: list[tuple[str, str | None, int]] = []
        self.settings: list[Settings] = []
        self.handler = type("H", (Doorman,), {"posts": self.posts, "refuses": refuses})

    def __call__(self, settings: Settings, *, on_ready: Callable[[str], None]) -> None:
        self.settings.append(settings)
        server = HTTPServer((settings.host, settings.port), self.handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            on_ready(f"http://{settings.host}:{settings.port}")
            time.sleep(90)
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


def test_the_demo_loads_everything_through_the_front_door_in_order() -> None:
    door, opened = FrontDoor(), list[str]()
    result = terminal(
        Openings(MemoryBook()),
        "demo",
        "--no-serve",
        "--open",
        "--port",
        "0",
        server=door,
        opened=opened,
    )
    assert result.exit_code == 0, result.stderr
    expected = [
        (one.path, "wait=60", sum(len(rows) for rows in one.body.values()))
        for one in demo_requests()
    ]
    assert door.posts == expected
    places = json.loads(result.stdout)
    assert places["page"].endswith("/ui/portfolios/DEMO-001")
    assert opened == [places["page"]]
    assert f"{len(expected)}/{len(expected)}" in result.stderr
    assert not door.settings[0].data_dir.exists()
    assert door.settings[0].database_url is None


def test_the_demo_ends_with_the_servers_refusal() -> None:
    door = FrontDoor(refuses="/ingest/market-prices")
    result = terminal(Openings(MemoryBook()), "demo", "--port", "0", server=door)
    assert result.exit_code == 3
    assert "answered 422 request.invalid: no" in result.stderr
    assert "hint: do it otherwise" in result.stderr


def test_the_demo_keeps_out_of_a_directory_that_is_in_use(tmp_path: Path) -> None:
    (tmp_path / "book").write_text("mine", encoding="utf-8")
    result = terminal(Openings(MemoryBook()), "demo", "--data", str(tmp_path))
    assert result.exit_code == 2
    assert "is not an empty directory" in result.stderr


def test_the_demo_without_a_server_says_so() -> None:
    result = terminal(Openings(MemoryBook()), "demo", "--port", "0")
    assert result.exit_code == 7
    assert "the server ended before it was ready" in result.stderr


def test_a_taken_port_gives_way_to_the_next_free_one() -> None:
    with socket.socket() as first:
        first.bind(("127.0.0.1", 0))
        first.listen()
        taken = first.getsockname()[1]
        assert taken < free_port(taken) <= taken + 49
