"""Connections ask for signs of life, unless the address says otherwise."""

from __future__ import annotations

from psycopg.conninfo import conninfo_to_dict

from tidebook.adapters.postgres.attentive import PROCESS_DIGITS, attentive


def test_signs_of_life_are_asked_for_after_ten_quiet_seconds() -> None:
    said = conninfo_to_dict(attentive("postgresql://me:secret@db:5433/book"))
    del said["application_name"]
    assert said == {
        "user": "me",
        "password": "secret",
        "host": "db",
        "port": "5433",
        "dbname": "book",
        "connect_timeout": "25",
        "keepalives_idle": "10",
        "keepalives_interval": "5",
        "keepalives_count": "3",
        "tcp_user_timeout": "25000",
    }


def test_what_the_address_says_stands() -> None:
    said = conninfo_to_dict(attentive("postgresql://db/book?keepalives_idle=60&connect_timeout=3"))
    assert (said["keepalives_idle"], said["connect_timeout"]) == ("60", "3")
    assert said["keepalives_count"] == "3"


def test_every_connection_of_a_process_names_it() -> None:
    names = [
        str(conninfo_to_dict(attentive(address, purpose))["application_name"])
        for address, purpose in (
            ("postgresql://db/book", ""),
            ("postgresql://db/book", "lead-stages"),
            (f"postgresql://db/book?application_name={'ledger' * 20}", "lead-shipping"),
        )
    ]
    process = names[0].removeprefix("tidebook ")
    assert len(process) == PROCESS_DIGITS
    assert names[1] == f"tidebook lead-stages {process}"
    assert names[2].startswith("ledgerledger")
    assert names[2].endswith(f" lead-shipping {process}")
    # The server cuts a longer name off, and the process with it.
    assert max(map(len, names)) < 64
