"""What an assertion speaks of, and the id of one that brings none."""

from __future__ import annotations

from datetime import date

import pytest

from tidebook.model.assertions import asserted_key, assigned_id
from tidebook.model.instruments import Instrument
from tidebook.model.portfolios import Portfolio, Settlement

DOLLARS = Instrument("USD-ACC", "Dollar account", "USD", "Cash")
ACME = Instrument("ACME", "Acme", "USD", "Equity")


@pytest.mark.parametrize(
    ("settlement", "named", "instrument", "key"),
    [
        (Settlement.AUTO, "ACME", ACME, "ACME"),
        (Settlement.AUTO, "UNKNOWN", None, "UNKNOWN"),
        (Settlement.AUTO, "CASH_USD", None, "CASH_USD"),
        (Settlement.AUTO, "CASH", None, "CASH_EUR"),
        (Settlement.AUTO, "USD-ACC", DOLLARS, "CASH_USD"),
        (Settlement.EXPLICIT, "USD-ACC", DOLLARS, "USD-ACC"),
        (Settlement.EXPLICIT, "CASH", None, "CASH"),
    ],
)
def test_an_assertion_speaks_of_the_account_that_the_book_keeps(
    settlement: Settlement, named: str, instrument: Instrument | None, key: str
) -> None:
    portfolio = Portfolio("P1", "EUR", date(2024, 1, 1), settlement=settlement)
    assert asserted_key(portfolio, named, instrument) == key


def test_an_id_is_made_of_portfolio_security_and_day() -> None:
    assert assigned_id("P1", "CASH_EUR", date(2024, 12, 31)) == "P1:CASH_EUR:2024-12-31"
