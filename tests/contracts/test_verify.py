"""A stored book against its facts: equal as it is, and each digit that is not is found."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import psycopg
import pytest

from tests.fixtures.booking import portfolio, security, trade
from tidebook.cli.verifying import verified
from tidebook.config import Settings
from tidebook.errors import UnknownPortfolioError
from tidebook.model.actions import ActionType, CorporateAction
from tidebook.model.cancellations import TransactionRef
from tidebook.model.facts import Price, Rate
from tidebook.model.portfolios import CostMethod
from tidebook.wiring import open_system

if TYPE_CHECKING:
    from tidebook.cli.verifying import Found
    from tidebook.wiring import System

pytestmark = pytest.mark.cluster
SECONDS = 90.0
FEB = date(2025, 2, 3)
FACTS = [
    trade("in", "DEPOSIT", "CASH", "2025-01-06", gross="5000"),
    trade("buy", "BUY", "ACME", "2025-01-07", quantity="30", price="10", fee="3"),
    trade("euro", "BUY", "ALPS", "2025-01-08", quantity="7", price="20", currency="EUR"),
    trade("sell", "SELL", "ACME", "2025-01-09", quantity="20", price="12", tax="1"),
    trade("gift", "TRANSFER_IN_KIND", "ACME", "2025-01-10", quantity="4", gross="50")._replace(
        to_portfolio_id="P2"
    ),
    trade("typo", "BUY", "ACME", "2025-01-13", quantity="9", price="10"),
    trade("lost", "BUY", "NOWHERE", "2025-01-13", quantity="1", price="10"),
    trade("short", "SELL", "ALPS", "2025-01-14", quantity="70", price="20", currency="EUR"),
    trade("stray", "BUY", "ACME", "2025-01-14", quantity="1", price="10")._replace(
        portfolio_id="P9"
    ),
]


@pytest.fixture(name="url")
def booked(database_url: str, tmp_path: Path) -> str:
    """Give a database with a book of two portfolios, and facts that wait."""
    with open_system(Settings(data_dir=tmp_path, database_url=database_url)) as system:
        commands = system.commands
        pair = [portfolio(), portfolio(cost_method=CostMethod.AVCO)._replace(portfolio_id="P2")]
        split = CorporateAction("split", ActionType.SPLIT, "ACME", FEB, Decimal(2), Decimal(1))
        for receipt in (
            commands.ingest_portfolios(pair, "test"),
            commands.ingest_instruments([security("ACME"), security("ALPS", "EUR")], "test"),
            commands.ingest_rates([Rate("EUR", "USD", date(2025, 1, 1), Decimal("1.1"))], "test"),
            commands.ingest_transactions(FACTS, "test"),
            commands.ingest_prices([Price("ACME", FEB, Decimal(7), "USD")], "test"),
            commands.ingest_actions([split], "test"),
            commands.cancel([TransactionRef("typo", "P1")], "test"),
        ):
            assert commands.wait(receipt, timeout_seconds=SECONDS)
    return database_url


def check(url: str, portfolios: list[str] | None = None, limit: int = 100) -> Found:
    """Return what a process of its own finds."""
    with opened(url) as system:
        return verified(system.reader, portfolios, limit)


def opened(url: str) -> System:
    return open_system(Settings(data_dir=Path("unused"), database_url=url), run=False)


def change(url: str, statement: str) -> None:
    """Change what is stored behind the product's back."""
    with psycopg.connect(url, autocommit=True) as connection:
        assert connection.execute(statement.encode()).rowcount == 1


def test_a_book_as_it_was_kept_is_equal_to_its_facts(url: str) -> None:
    found = check(url)
    assert (found.listed, found.differences) == ([], {})
    assert (found.folding, found.behind) == ([], [])
    # P9, which nobody introduced, has a fact that waits.
    assert found.portfolios == 3
    assert found.compared["transactions"] == len(FACTS)
    # lost waits for its instrument, short for units, stray for its portfolio.
    assert found.compared["findings"] == 3
    assert all(found.compared[table] for table in ("entries", "position_state", "portfolio_days"))


class Digit(NamedTuple):
    """One stored figure that is set to another, and where that shows."""

    statement: str
    table: str
    column: str
    stored: str
    rebuilt: str


DIGITS = [
    Digit(
        "UPDATE entries SET cost_base = -201 WHERE transaction_id = 'sell' AND leg = 'main'",
        *("entries", "cost_base", "-201", "-202"),
    ),
    Digit(
        "UPDATE entries SET matches = replace(matches::text, '\"202\"', '\"203\"')::json "
        "WHERE transaction_id = 'sell' AND leg = 'main'",
        "entries",
        "matches",
        '[["buy", "2025-01-07", "20", "203", "203"]]',
        '[["buy", "2025-01-07", "20", "202", "202"]]',
    ),
    Digit(
        "UPDATE position_state SET realised_base = 38 "
        "WHERE portfolio_id = 'P1' AND security_id = 'ACME'",
        *("position_state", "realised_base", "38", "37"),
    ),
    Digit(
        "UPDATE position_state SET lots = replace(lots::text, '\"12\"', '\"13\"')::json "
        "WHERE portfolio_id = 'P1' AND security_id = 'ACME'",
        "position_state",
        "lots",
        "buy 2025-01-07 13 60.6 60.6",
        "buy 2025-01-07 12 60.6 60.6",
    ),
    Digit(
        "UPDATE transactions SET main_security_id = 'ALPS' "
        "WHERE transaction_id = 'buy' AND superseded_at = 'infinity'",
        *("transactions", "main_security_id", "ALPS", "ACME"),
    ),
    Digit(
        "UPDATE findings SET waits_for = 'instrument:ELSE' "
        "WHERE transaction_id = 'lost' AND resolved_at = 'infinity'",
        *("findings", "waits_for", "instrument:ELSE", "instrument:NOWHERE"),
    ),
    Digit(
        "UPDATE portfolio_days SET eod_cashflow = 1 WHERE portfolio_id = 'P1' AND "
        "day = '2025-01-08' AND superseded_at = 'infinity'",
        *("portfolio_days", "eod_cashflow", "1", "0"),
    ),
]


@pytest.mark.parametrize("digit", DIGITS, ids=lambda digit: f"{digit.table}-{digit.column}")
def test_one_digit_that_is_another_is_found(url: str, digit: Digit) -> None:
    change(url, digit.statement)
    found = check(url)
    assert [(one.table, one.column, one.stored, one.rebuilt) for one in found.listed] == [digit[1:]]
    assert found.differences == {digit.table: 1}


ROWS = [
    ("DELETE FROM entries WHERE transaction_id = 'euro' AND leg = 'main'", "entries"),
    ("DELETE FROM position_state WHERE portfolio_id = 'P2'", "position_state"),
    ("DELETE FROM findings WHERE transaction_id = 'stray'", "findings"),
    (
        (
            "DELETE FROM portfolio_days WHERE portfolio_id = 'P2' AND day = '2025-01-10' "
            "AND superseded_at = 'infinity'"
        ),
        "portfolio_days",
    ),
]


@pytest.mark.parametrize(("statement", "table"), ROWS, ids=[table for _, table in ROWS])
def test_a_row_that_is_gone_is_found(url: str, statement: str, table: str) -> None:
    change(url, statement)
    (found,) = check(url).listed
    assert (found.table, found.column) == (table, "*")
    assert (found.stored, found.rebuilt) == ("no row", "a row")


def test_an_offset_that_was_skipped_is_found(url: str) -> None:
    change(
        url,
        "DELETE FROM event_log WHERE (topic, part, first_offset) = "
        "(SELECT topic, part, max(first_offset) FROM event_log WHERE topic = 'raw_transactions' "
        "GROUP BY topic, part HAVING count(*) > 1 LIMIT 1)",
    )
    (found,) = check(url).listed
    assert (found.table, found.column, found.key[0]) == (
        *("log_partitions", "next_offset"),
        "raw_transactions",
    )


def test_one_portfolio_is_verified_with_those_it_is_carried_to(url: str) -> None:
    change(url, DIGITS[0].statement)
    assert check(url, ["P2"]).portfolios == 2
    assert check(url, ["P2"]).differences == {"entries": 1}
    assert check(url, ["P9"]).differences == {}
    with pytest.raises(UnknownPortfolioError):
        check(url, ["P7"])


def test_more_differences_than_are_listed_are_counted(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE entries SET rank = 7 WHERE superseded_at = 'infinity'")
    found = check(url, limit=2)
    assert len(found.listed) == 2
    assert found.differences["entries"] == found.compared["entries"] > 2


def test_what_is_not_up_to_date_is_told_and_not_compared(url: str) -> None:
    change(
        url,
        "UPDATE portfolio_days SET fees = 99 WHERE portfolio_id = 'P2' AND day = '2025-01-10' "
        "AND superseded_at = 'infinity'",
    )
    assert check(url).differences == {"portfolio_days": 1}
    change(url, "UPDATE portfolios SET series_from = '2025-01-10' WHERE portfolio_id = 'P2'")
    behind = check(url)
    assert (behind.behind, behind.differences) == (["P2"], {})
    change(
        url,
        "INSERT INTO book_work (portfolio_id, security_id, from_date, reason, requested_at) "
        "VALUES ('P1', 'ACME', '2025-01-06', 'a test', now())",
    )
    # P2 holds what P1 carried there, so neither can be compared before the key is folded.
    folding = check(url)
    assert (folding.folding, folding.differences) == (["P1", "P2"], {})
