"""From rows to values: no digit lost, nothing invented."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tidebook.adapters.postgres.rows import (
    entry_from,
    instrument_of,
    lots_from,
    moment,
    span,
    utc,
)
from tidebook.adapters.postgres.statements import statements
from tidebook.book.lots import Lot, Match
from tidebook.model.instruments import Instrument

if TYPE_CHECKING:
    from tidebook.adapters.postgres.rows import StoredPart

ON = date(2024, 3, 1)
AT = datetime(2024, 3, 1, 10, tzinfo=UTC)
DIGITS = "12345678901234567890.123456789012345678"


def entry_row(
    change: tuple[str, str, str],
    matches: list[StoredPart] | None,
    opens: list[StoredPart] | None = None,
) -> tuple[object, ...]:
    quantity, local, base = map(Decimal, change)
    key = ("P", "S", "main", "t2", "SELL", ON, AT, 2)
    gains = (Decimal(1), Decimal(1), Decimal(1), Decimal(0)) if matches else (None,) * 4
    return (*key, "EUR", Decimal("1.1"), quantity, local, base, *gains, matches, opens)


@pytest.mark.parametrize(
    ("change", "matches", "opened"),
    [
        # A purchase opens all of it; a sale out of lots opens nothing.
        (("10", "100", "110"), None, ("10", "100", "110")),
        (("-4", "-40", "-44"), [("t1", "2024-01-31", "4", "40", "44")], ("0", "0", "0")),
        # Of 15 sold 10 were held; the other 5 open a short at 55 and 60.5.
        (
            ("-15", "-155", "-170.5"),
            [("t1", "2024-01-31", "10", "100", "110")],
            ("-5", "-55", "-60.5"),
        ),
        (("0", "0", "0"), None, ("0", "0", "0")),
    ],
)
def test_what_an_entry_opened_is_what_it_did_not_match(
    change: tuple[str, str, str], matches: list[StoredPart] | None, opened: tuple[str, str, str]
) -> None:
    entry = entry_from(entry_row(change, matches))
    found = (entry.opened, entry.opened_cost_local, entry.opened_cost_base)
    assert found == tuple(map(Decimal, opened))
    assert entry.posting.order == (ON, AT, 2, "t2", "main")
    assert entry.posting.realises is (matches is not None)


def test_stored_lots_keep_every_digit() -> None:
    assert lots_from([("t1", "2024-01-31", DIGITS, "-" + DIGITS, "0.1")]) == (
        Lot("t1", date(2024, 1, 31), Decimal(DIGITS), Decimal("-" + DIGITS), Decimal("0.1")),
    )


def test_matches_that_add_up_are_exact() -> None:
    part = ("t1", "2024-01-31", DIGITS, DIGITS, DIGITS)
    entry = entry_from(entry_row(("-" + DIGITS, "-" + DIGITS, "0"), [part]))
    assert entry.opens == (Lot("t2", ON, Decimal(0), Decimal(0), Decimal(DIGITS)),)
    assert entry.matches == (Match("t1", date(2024, 1, 31), *[Decimal(DIGITS)] * 3),)


def test_what_an_entry_says_that_it_opened_is_taken_as_it_says() -> None:
    # Bought 10 for 100 into the pool that t0 opened.
    pool = ("t0", "2024-01-02", "10", "100", "110")
    entry = entry_from(entry_row(("10", "100", "110"), None, [pool]))
    assert entry.opens == (Lot("t0", date(2024, 1, 2), Decimal(10), Decimal(100), Decimal(110)),)
    assert entry_from(entry_row(("0", "0", "0"), None, [])).opens == ()


def test_an_instrument_is_the_one_introduced_or_a_cash_account_or_what_the_book_knows() -> None:
    own = Instrument("CASH_USD", "Our dollars", "USD", "Cash")
    assert instrument_of("CASH_USD", "USD", {"CASH_USD": own}) is own
    assert instrument_of("CASH", "CHF", {}).name == "Cash CHF"
    assert instrument_of("X", "CHF", {}) == Instrument("X", "X", "CHF", "")


def test_open_ends_are_infinite() -> None:
    assert span(None, None) == {"start": "-infinity", "end": "infinity"}
    assert span(ON, None) == {"start": ON, "end": "infinity"}
    assert (moment(None), moment(AT)) == ("infinity", AT)


def test_an_instant_is_given_in_utc_whatever_the_session_speaks() -> None:
    elsewhere = AT.astimezone(timezone(timedelta(hours=9)))
    assert utc(elsewhere) == AT
    assert utc(elsewhere).tzinfo is UTC


def test_statements_are_known_by_name() -> None:
    found = statements("read_references")
    assert list(found) == ["instruments", "prices", "rates", "ever_known", "actions"]
    assert found["rates"].startswith(b"SELECT from_currency")
    assert b"name:" not in b"".join(found.values())
