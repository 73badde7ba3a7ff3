"""Making, starting and joining the server of a data directory.

The settings that identity and durability rest on are given on the command line, where no file can
undo them. The others are written once, at the end of ``postgresql.conf``, and are the user's to
change.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

import psycopg

from tidebook.adapters.postgres.cluster_directory import (
    open_log,
    socket_folder,
    sync_folder,
    write_password,
)
from tidebook.adapters.postgres.cluster_postmaster import (
    clear_stale_claims,
    read_postmaster,
    stop_server,
)
from tidebook.errors import DirectoryInUseError, ServerStartError

if TYPE_CHECKING:
    from tidebook.adapters.postgres.cluster_binaries import ServerPrograms
    from tidebook.adapters.postgres.cluster_directory import DataDirectory
    from tidebook.adapters.postgres.cluster_identity import Identity
    from tidebook.adapters.postgres.cluster_postmaster import (
        Postmaster,
    )

ROLE = "tidebook"
DATABASE = "tidebook"
CLUSTER_NAME = "tidebook"

_POLL_SECONDS = 0.005
_ORPHANS_SECONDS = 20.0
_UNREACHABLE_SECONDS = 20.0
_ORPHANS_SIGN = "pre-existing shared memory block"
_LAST_WORDS_BYTES = 2000
_SETTINGS = """
# Written by Tidebook when the directory was made; change what you like.
shared_buffers = 128MB
max_connections = 40
wal_compression = on
max_wal_size = 1GB
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
log_checkpoints = off
"""


class Answer(NamedTuple):
    """What a server says of itself.

    Attributes:
        pid: Its first process.
        socket_dir: The folder of the socket it answered on.
        data_directory: The directory it serves.
        cluster_name: The name it was started under.
        major: Its major version.
        has_database: Whether the book's own database exists.
    """

    pid: int
    socket_dir: Path
    data_directory: Path
    cluster_name: str
    major: int
    has_database: bool


def make_files(
    directory: DataDirectory, programs: ServerPrograms, identity: Identity, password: str | None
) -> str:
    """Make the database files of a new directory and return the password that protects them.

    They are made aside, written to disk in full and then renamed, so that a directory is either
    whole or not there.

    Raises:
        ServerStartError: initdb failed.
    """
    password = password or write_password(directory, identity)
    draft = directory.path / "pg.new"
    if draft.exists():
        shutil.rmtree(draft)
    draft.mkdir(mode=0o700)
    identity.hand_over(draft)
    command = identity.command(
        programs.initdb,
        f"--pgdata={draft}",
        f"--username={ROLE}",
        f"--pwfile={directory.password_file}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C",
        "--data-checksums",
    )
    process = identity.popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said, _ = process.communicate()
    if process.returncode != 0:
        shutil.rmtree(draft)
        words = said.decode(errors="replace")[-_LAST_WORDS_BYTES:]
        raise ServerStartError("initdb", str(directory.path), last_words=_on_one_line(words))
    with (draft / "postgresql.conf").open("a", encoding="utf-8") as file:
        file.write(_SETTINGS)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(directory.pgdata)
    sync_folder(directory.path)
    return password


def launch(
    directory: DataDirectory,
    programs: ServerPrograms,
    identity: Identity,
    *,
    timeout_seconds: float,
) -> None:
    """Start the server and return when it takes connections, crash recovery included.

    After a server was killed its children may live for a moment, and PostgreSQL rightly refuses
    to start beside them: such a refusal is tried again for up to 20 seconds.

    Raises:
        ServerStartError: It ended before it was ready, or was not ready in time.
    """
    socket_dir = socket_folder(directory, identity)
    command = identity.command(
        programs.postgres, "-D", str(directory.pgdata), *_options(socket_dir)
    )
    orphans_until = time.monotonic() + _ORPHANS_SECONDS
    while True:
        clear_stale_claims(directory.pgdata, socket_dir)
        log = open_log(directory)
        try:
            written_before = os.fstat(log).st_size
            process = identity.popen(command, stdout=log, stderr=log)
        finally:
            os.close(log)
        # Without somebody waiting for it, a server that another process stops stays a zombie.
        threading.Thread(target=process.wait, name="embedded-server", daemon=True).start()
        if _is_ready(process, directory, timeout_seconds=timeout_seconds):
            return
        words = _written_since(directory.log_file, written_before)
        if _ORPHANS_SIGN not in words or time.monotonic() > orphans_until:
            raise ServerStartError(
                "the server", str(directory.path), last_words=_on_one_line(words)
            )
        time.sleep(0.1)


def ask(directory: DataDirectory, password: str, *, timeout_seconds: float) -> Answer | None:
    """Return what the running server says of itself, or None if it has ended meanwhile.

    A server that recovers is waited for until the timeout; one that is ready and yet cannot be
    reached, as when it is about to end, for 20 seconds; one that knows our password not, not at
    all.

    Raises:
        DirectoryInUseError: It lives and does not let us in.
    """
    began = time.monotonic()
    while (server := read_postmaster(directory.pgdata)) is not None:
        why, patience_seconds = "it takes no connections yet", timeout_seconds
        if server.ready and server.socket_dir is not None:
            try:
                url = database_url(server.socket_dir, password, database="postgres")
                return _answer(server, server.socket_dir, url)
            except psycopg.OperationalError as refused:
                why = _on_one_line(str(refused))
                patience_seconds = _patience_seconds(why, timeout_seconds)
        if time.monotonic() - began > patience_seconds:
            why = f"which does not let this book in: {why}"
            raise DirectoryInUseError(str(directory.path), pid=server.pid, why=why)
        time.sleep(_POLL_SECONDS)
    return None


def make_database(socket_dir: Path, password: str) -> None:
    """Make the book's own database in a server that does not have it yet."""
    url = database_url(socket_dir, password, database="postgres")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{DATABASE}"'.encode())


def database_url(socket_dir: Path, password: str, *, database: str = DATABASE) -> str:
    """Return the URL of a database behind a socket, as psycopg and libpq take it."""
    host = quote(str(socket_dir), safe="")
    return f"postgresql://{ROLE}:{quote(password, safe='')}@/{database}?host={host}"


def _options(socket_dir: Path) -> tuple[str, ...]:
    # The setting is a list: quotes keep a path with a space or a comma in one piece.
    folder = str(socket_dir).replace('"', '""')
    settings = {
        "listen_addresses": "",
        "port": "5432",
        "unix_socket_directories": f'"{folder}"',
        "unix_socket_permissions": "0700",
        "cluster_name": CLUSTER_NAME,
        "fsync": "on",
        "full_page_writes": "on",
        "logging_collector": "off",
        "log_destination": "stderr",
    }
    return tuple(part for name, value in settings.items() for part in ("-c", f"{name}={value}"))


def _is_ready(
    process: subprocess.Popen[bytes], directory: DataDirectory, *, timeout_seconds: float
) -> bool:
    """Wait until the server is ready, and return False when it has ended or was given up."""
    deadline = time.monotonic() + timeout_seconds
    while process.poll() is None:
        server = read_postmaster(directory.pgdata)
        if server is not None and server.pid == process.pid and server.ready:
            return True
        if time.monotonic() > deadline:
            stop_server(process.pid, directory.pgdata, timeout_seconds=timeout_seconds)
            return False
        time.sleep(_POLL_SECONDS)
    return False


def _patience_seconds(why: str, timeout_seconds: float) -> float:
    if "authentication failed" in why or "pg_hba.conf" in why:
        return 0.0
    return timeout_seconds if "starting up" in why else min(timeout_seconds, _UNREACHABLE_SECONDS)


def _answer(server: Postmaster, socket_dir: Path, url: str) -> Answer:
    with psycopg.connect(url, connect_timeout=10) as connection:
        row = connection.execute(
            "SELECT current_setting('data_directory'), current_setting('cluster_name'),"
            " current_setting('server_version_num')::int / 10000,"
            " EXISTS (SELECT FROM pg_database WHERE datname = %s)",
            (DATABASE,),
        ).fetchone()
    if row is None:
        raise psycopg.OperationalError("the server answered nothing")
    return Answer(server.pid, socket_dir, Path(row[0]), row[1], row[2], row[3])


def _written_since(log: Path, offset: int) -> str:
    with log.open("rb") as file:
        file.seek(offset)
        return file.read()[-_LAST_WORDS_BYTES:].decode(errors="replace")


def _on_one_line(words: str) -> str:
    return "; ".join(line.strip() for line in words.splitlines() if line.strip())
