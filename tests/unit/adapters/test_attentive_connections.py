"""Connections ask for signs of life, unless the address says otherwise."""

from __future__ import annotations

from psycopg.conninfo import conninfo_to_dict

from tidebook.adapters.postgres.attentive import attentive


def test_signs_of_life_are_asked_for_after_ten_quiet_seconds() -> None:
    said = conninfo_to_dict(attentive("postgresql://me:secret@db:5433/book"))
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
