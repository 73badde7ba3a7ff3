"""Settings from the environment."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import tidebook
from tidebook.config import Role, Settings, roles_of
from tidebook.errors import InvalidSettingError, UnknownRoleError

HOME = {"HOME": "/srv/ada"}
ROOT = Path(__file__).parents[2]


def test_nothing_set_takes_every_default() -> None:
    assert Settings.from_environment(HOME) == Settings(
        data_dir=Path("/srv/ada/.local/share/tidebook"),
        database_url=None,
        pg_bin=None,
        host="127.0.0.1",
        port=8000,
        max_body_bytes=33_554_432,
        log_level="info",
        book_batch_max=8000,
        workers=2,
        roles=(Role.INGEST, Role.BOOK, Role.SERIES, Role.QUERY, Role.CONTROL, Role.LIVE),
        bus="log",
        retention_log_days=30,
        retention_known_days=None,
    )


def test_every_variable_is_taken() -> None:
    given = {
        "TIDEBOOK_DATA_DIR": "/srv/book",
        "TIDEBOOK_DATABASE_URL": "postgresql://ada@db/book",
        "TIDEBOOK_PG_BIN": "/opt/pg/bin",
        "TIDEBOOK_HOST": "0.0.0.0",  # noqa: S104 - the value under test
        "TIDEBOOK_PORT": "8080",
        "TIDEBOOK_MAX_BODY_BYTES": "4096",
        "TIDEBOOK_LOG_LEVEL": "WARNING",
        "TIDEBOOK_LOG_FORMAT": "json",
        "TIDEBOOK_TRACES_URL": "http://collector:4318/v1/traces",
        "TIDEBOOK_BOOK_BATCH_MAX": "500",
        "TIDEBOOK_WORKERS": "4",
        "TIDEBOOK_ROLE": "query, book",
        "TIDEBOOK_BUS": "kafka",
        "TIDEBOOK_KAFKA_BOOTSTRAP": "k1:9092,k2:9092",
        "TIDEBOOK_REDIS_URL": "redis://ada:secret@cache:6379/1",
        "TIDEBOOK_LIVE_PORTFOLIO": "P1",
        "TIDEBOOK_RETENTION_LOG_DAYS": "7",
        "TIDEBOOK_RETENTION_KNOWN_DAYS": "3650",
        "TIDEBOOK_USER_CURRENCY": "CAD",
        "TIDEBOOK_USER_TIME_ZONE": "America/Toronto",
        "TIDEBOOK_BENCHMARK_DIR": "/srv/levels",
        "TIDEBOOK_ALPACA_URL": "http://localhost:9000",
        "TIDEBOOK_ALPACA_FEED": "sip",
    }
    assert Settings.from_environment(HOME | given) == Settings(
        data_dir=Path("/srv/book"),
        database_url="postgresql://ada@db/book",
        pg_bin=Path("/opt/pg/bin"),
        host="0.0.0.0",  # noqa: S104 - the value under test
        port=8080,
        max_body_bytes=4096,
        log_level="warning",
        log_format="json",
        traces_url="http://collector:4318/v1/traces",
        book_batch_max=500,
        workers=4,
        roles=(Role.BOOK, Role.QUERY),
        bus="kafka",
        kafka_bootstrap="k1:9092,k2:9092",
        redis_url="redis://ada:secret@cache:6379/1",
        live_portfolio="P1",
        retention_log_days=7,
        retention_known_days=3650,
        user_currency="CAD",
        user_time_zone="America/Toronto",
        benchmark_dir=Path("/srv/levels"),
        alpaca_url="http://localhost:9000",
        alpaca_feed="sip",
    )


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"XDG_DATA_HOME": "/data"}, "/data/tidebook"),
        ({"XDG_DATA_HOME": "data"}, "/srv/ada/.local/share/tidebook"),
        ({"XDG_DATA_HOME": ""}, "/srv/ada/.local/share/tidebook"),
        ({"XDG_DATA_HOME": "/data", "TIDEBOOK_DATA_DIR": "/book"}, "/book"),
        ({"TIDEBOOK_DATA_DIR": ""}, "/srv/ada/.local/share/tidebook"),
    ],
)
def test_the_data_directory_is_ours_then_xdg_then_home(
    given: dict[str, str], expected: str
) -> None:
    assert Settings.from_environment(HOME | given).data_dir == Path(expected)


def test_our_own_database_url_goes_before_the_general_one() -> None:
    both = {"DATABASE_URL": "postgres://a/x", "TIDEBOOK_DATABASE_URL": "postgres://b/y"}
    assert Settings.from_environment(HOME | both).database_url == "postgres://b/y"
    both["TIDEBOOK_DATABASE_URL"] = ""
    assert Settings.from_environment(HOME | both).database_url == "postgres://a/x"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("TIDEBOOK_PORT", "eighty"),
        ("TIDEBOOK_PORT", "-1"),
        ("TIDEBOOK_PORT", "65536"),
        ("TIDEBOOK_PORT", "80.0"),
        ("TIDEBOOK_PORT", "8_000"),
        ("TIDEBOOK_PORT", "\u0668\u0660"),
        ("TIDEBOOK_MAX_BODY_BYTES", "1023"),
        ("TIDEBOOK_BOOK_BATCH_MAX", "0"),
        ("TIDEBOOK_WORKERS", "0"),
        ("TIDEBOOK_WORKERS", "65"),
        ("TIDEBOOK_LOG_LEVEL", "loud"),
        ("TIDEBOOK_LOG_FORMAT", "xml"),
        ("TIDEBOOK_TRACES_URL", "collector:4318"),
        ("TIDEBOOK_BUS", "Kafka"),
        ("TIDEBOOK_RETENTION_LOG_DAYS", "0"),
        ("TIDEBOOK_RETENTION_KNOWN_DAYS", "0"),
        ("TIDEBOOK_USER_CURRENCY", "dollars"),
        ("TIDEBOOK_USER_TIME_ZONE", "Gotham"),
        ("TIDEBOOK_ALPACA_URL", "data.alpaca.markets"),
    ],
)
def test_a_bad_value_is_refused_by_name(variable: str, value: str) -> None:
    with pytest.raises(InvalidSettingError) as refused:
        Settings.from_environment(HOME | {variable: value})
    assert refused.value.variable == variable
    assert f"{variable} is {value!r}" in str(refused.value)
    assert variable in refused.value.hint


@pytest.mark.parametrize("variable", ["DATABASE_URL", "TIDEBOOK_DATABASE_URL"])
@pytest.mark.parametrize("value", ["mysql://ada:secret@db/book", "host=db password=secret"])
def test_a_refused_database_url_does_not_give_its_password_away(variable: str, value: str) -> None:
    with pytest.raises(InvalidSettingError, match=f"^{variable} is") as refused:
        Settings.from_environment(HOME | {variable: value})
    assert "secret" not in str(refused.value) + refused.value.hint


def test_half_of_a_pair_of_keys_is_refused_and_neither_half_is_printed() -> None:
    keys = {"ALPACA_API_KEY": "PK-public", "ALPACA_SECRET_KEY": "SK-hidden"}
    settings = Settings.from_environment(HOME | keys)
    assert (settings.alpaca_api_key, settings.alpaca_secret_key) == ("PK-public", "SK-hidden")
    assert "hidden" not in repr(settings)
    for missing in keys:
        half = {name: value for name, value in keys.items() if name != missing}
        with pytest.raises(InvalidSettingError, match=f"^{missing} is") as refused:
            Settings.from_environment(HOME | half)
        assert "PK" not in str(refused.value)
        assert "SK" not in str(refused.value)


def test_the_printed_form_does_not_give_the_password_away() -> None:
    given = HOME | {"DATABASE_URL": "postgresql://ada:secret@db/book"}
    assert "secret" not in repr(Settings.from_environment(given))


@pytest.mark.parametrize(
    ("roles", "port"),
    [("all", 8000), ("ingest", 8000), ("query", 8001), ("book,series", 8002), ("series", 8003)],
)
def test_the_port_is_that_of_the_first_role_unless_it_is_named(roles: str, port: int) -> None:
    given = HOME | {"TIDEBOOK_ROLE": roles}
    assert Settings.from_environment(given).port == port
    assert Settings.from_environment(given | {"TIDEBOOK_PORT": "9"}).port == 9


def test_over_a_broker_one_worker_reads_unless_more_are_asked_for() -> None:
    kafka = HOME | {"TIDEBOOK_BUS": "kafka"}
    assert Settings.from_environment(HOME).workers == 2
    assert Settings.from_environment(kafka).workers == 1
    assert Settings.from_environment(kafka | {"TIDEBOOK_WORKERS": "3"}).workers == 3


@pytest.mark.parametrize("text", ["", ",", "books", "book;series", "lives", "all,lives"])
def test_what_is_no_role_is_refused(text: str) -> None:
    with pytest.raises(UnknownRoleError) as refused:
        roles_of(text)
    assert "ingest, book, series, query, control, live, all" in refused.value.hint


def test_the_reference_page_describes_exactly_the_variables_that_are_read() -> None:
    pattern = re.compile(r"\b(?:TIDEBOOK_[A-Z_]+|DATABASE_URL|ALPACA_[A-Z_]+)\b")
    source = Path(tidebook.__file__).with_name("config.py").read_text(encoding="utf-8")
    page = (ROOT / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")
    described = {line.split("`")[1] for line in page.splitlines() if line.startswith("| `")}
    assert described == set(pattern.findall(source))
