"""What the read side says of a book held against others, and of its data; kept by the stages.

P1 keeps US dollars. It was given 10,000, bought 100 ACME at 10 on 3 January and 50 at 12 on
10 January (settling on 12 January), and sold 30 at 13 on 5 February.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tidebook.book.checks.health_facts import CheckSeverity
from tidebook.book.checks.reconcile import Verdict
from tidebook.config import Settings
from tidebook.errors import UnknownPortfolioError
from tidebook.model.assertions import BalanceAssertion
from tidebook.model.cancellations import AssertionRef
from tidebook.model.facts import Price, Rate, Transaction, TransactionType
from tidebook.model.instruments import Instrument
from tidebook.model.portfolios import Portfolio
from tidebook.wiring import open_system

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tidebook.book.checks.health_facts import CheckResult
    from tidebook.engine.ports import Receipt
    from tidebook.wiring import System

D = Decimal
SECONDS = 90.0
T = TransactionType


def day(month: int, number: int) -> date:
    return date(2024, month, number)


def fact(
    identity: str,
    kind: TransactionType,
    on: date,
    terms: str,
    security_id: str = "ACME",
    *,
    portfolio_id: str = "P1",
    settles: date | None = None,
    currency: str = "USD",
) -> Transaction:
    """Return a transaction; ``terms`` are quantity and price."""
    quantity, price = map(Decimal, terms.split())
    return Transaction(
        identity,
        portfolio_id,
        security_id,
        kind,
        None,
        on,
        quantity,
        price,
        quantity * price,
        currency,
        currency,
        settlement_date=settles,
    )


FACTS = (
    fact("D1", T.DEPOSIT, day(1, 2), "10000 1", "CASH_USD"),
    fact("B1", T.BUY, day(1, 3), "100 10"),
    fact("B2", T.BUY, day(1, 10), "50 12", settles=day(1, 12)),
    fact("S1", T.SELL, day(2, 5), "30 13"),
)


@pytest.fixture(name="system")
def booked(database_url: str, tmp_path: Path) -> Iterator[System]:
    with open_system(Settings(data_dir=tmp_path, database_url=database_url)) as system:
        commands = system.commands
        settle(system, commands.ingest_portfolios([Portfolio("P1", "USD", day(1, 1))], "test"))
        acme = Instrument("ACME", "Acme", "USD", "Equity")
        settle(system, commands.ingest_instruments([acme], "test"))
        settle(system, commands.ingest_transactions(FACTS, "test"))
        yield system


def settle(system: System, receipt: Receipt) -> None:
    assert system.commands.wait(receipt, timeout_seconds=SECONDS)


def state(system: System, *assertions: BalanceAssertion) -> None:
    settle(system, system.commands.ingest_assertions(assertions, "test"))


def holds(
    quantity: str, on: date, security_id: str = "ACME", identity: str = "", **more: object
) -> BalanceAssertion:
    """Return what a broker says P1 held."""
    name = identity or f"{security_id}-{on}"
    stated = BalanceAssertion(name, "P1", security_id, on, D(quantity))
    return stated._replace(**more)  # pyright: ignore[reportArgumentType]


def outcomes(system: System, known_at: datetime | None = None) -> list[tuple[str, str, str]]:
    """Return assertion, difference and verdict of each outcome."""
    view = system.reader.reconciliation("P1", known_at=known_at)
    return [
        (one.assertion.assertion_id, format(one.difference.normalize(), "f"), one.verdict.value)
        for one in view.found.outcomes
    ]


def test_a_portfolio_of_which_nothing_is_stated_compares_nothing(system: System) -> None:
    view = system.reader.reconciliation("P1")
    assert view.found.outcomes == view.found.divergences == view.found.unstated == ()
    with pytest.raises(UnknownPortfolioError):
        system.reader.reconciliation("P9")


def test_assertions_are_compared_with_the_closes_of_their_days(system: System) -> None:
    # 10000 - 1000 - 600 at the end of January.
    state(system, holds("150", day(1, 31)), holds("8400", day(1, 31), "CASH_USD"))
    view = system.reader.reconciliation("P1")
    assert [one.verdict for one in view.found.outcomes] == [Verdict.AGREES, Verdict.AGREES]
    assert view.found.divergences == ()
    assert view.found.unstated == ()


def test_what_differs_is_narrowed_to_its_interval(system: System) -> None:
    state(system, holds("150", day(1, 31)), holds("90", day(2, 29)))
    found = system.reader.reconciliation("P1").found
    (divergence,) = found.divergences
    assert divergence[:6] == ("ACME", day(1, 31), day(2, 29), True, -30, -30)
    assert [move.transaction_id for move in divergence.movements] == ["S1"]
    assert [(one.code, one.ids) for one in divergence.candidates] == [("missing-second", ("S1",))]
    assert [(one.security_id, one.quantity) for one in found.unstated] == [("CASH_USD", 8790)]


def test_a_trade_that_has_not_settled_explains_what_a_broker_lacks(system: System) -> None:
    state(system, holds("100", day(1, 11)))
    (divergence,) = system.reader.reconciliation("P1").found.divergences
    assert ("not-settled", ("B2",)) in [(one.code, one.ids) for one in divergence.candidates]


def test_plain_cash_stands_for_the_account_in_base_currency(system: System) -> None:
    state(system, holds("8400", day(1, 31), "CASH"))
    (outcome,) = system.reader.reconciliation("P1").found.outcomes
    assert (outcome.security_id, outcome.verdict) == ("CASH_USD", Verdict.AGREES)


def test_an_assertion_is_amended_cancelled_and_remembered(system: System) -> None:
    end = day(1, 31)
    state(system, holds("140", end))
    first = system.clock.now()
    state(system, holds("140.0", end))
    state(system, holds("150", end))
    assert outcomes(system) == [("ACME-2024-01-31", "0", "agrees")]
    assert outcomes(system, first) == [("ACME-2024-01-31", "-10", "differs")]
    amended = system.clock.now()
    state(system, holds("150", end, is_cancelled=True))
    assert outcomes(system) == []
    assert outcomes(system, amended) == [("ACME-2024-01-31", "0", "agrees")]
    state(system, holds("149", end))
    assert outcomes(system) == [("ACME-2024-01-31", "-1", "differs")]


def test_an_assertion_is_cancelled_by_its_id_and_can_be_sent_again(system: System) -> None:
    end = day(1, 31)
    state(system, holds("140", end), holds("8400", end, "CASH_USD"))
    stated = system.clock.now()
    gone = [AssertionRef("ACME-2024-01-31"), AssertionRef("ACME-2024-01-31"), AssertionRef("B9")]
    settle(system, system.commands.cancel(gone, "test"))
    assert outcomes(system) == [("CASH_USD-2024-01-31", "0", "agrees")]
    assert ("ACME-2024-01-31", "-10", "differs") in outcomes(system, stated)
    state(system, holds("140", end))
    assert ("ACME-2024-01-31", "-10", "differs") in outcomes(system)


def test_what_is_stated_in_the_question_is_compared_and_not_stored(system: System) -> None:
    stated = [holds("150", day(1, 31)), holds("1", day(1, 31))._replace(portfolio_id="P2")]
    view = system.reader.reconciliation("P1", stated=stated)
    assert [one.booked for one in view.found.outcomes] == [150]
    assert view.elsewhere == 1
    assert system.reader.reconciliation("P1").found.outcomes == ()


def test_what_waits_is_told_beside_what_is_booked(system: System) -> None:
    late = fact("W1", T.BUY, day(1, 20), "40 11", currency="EUR")
    settle(system, system.commands.ingest_transactions([late], "test"))
    state(system, holds("190", day(1, 31)))
    found = system.reader.reconciliation("P1").found
    assert found.waiting == 1
    (divergence,) = found.divergences
    assert [(one.code, one.ids) for one in divergence.candidates] == [("waiting", ("W1",))]
    # Once the rate is there it books itself, and the two agree.
    settle(system, system.commands.ingest_rates([Rate("EUR", "USD", day(1, 2), D("1.1"))], "test"))
    assert outcomes(system) == [("ACME-2024-01-31", "0", "agrees")]


def test_as_of_a_day_later_assertions_do_not_count(system: System) -> None:
    state(system, holds("150", day(1, 31)), holds("90", day(2, 29)))
    view = system.reader.reconciliation("P1", as_of=day(2, 1))
    assert [one.assertion.on for one in view.found.outcomes] == [day(1, 31)]


def said(system: System, **terms: object) -> dict[tuple[str, str], CheckResult]:
    view = system.reader.health("P1", **terms)  # pyright: ignore[reportArgumentType]
    return {(one.code, one.subject): one for one in view.results}


def price(system: System, on: date, value: str, security_id: str = "ACME") -> None:
    quoted = [Price(security_id, on, D(value), "USD")]
    settle(system, system.commands.ingest_prices(quoted, "test"))


def test_a_holding_without_a_price_is_told_with_its_cost(system: System) -> None:
    found = said(system)
    assert list(found) == [("price.missing", "ACME")]
    missing = found["price.missing", "ACME"]
    # 1000 + 600 less 30 of the first hundred: 1600 - 300.
    assert (missing.severity, missing.since, missing.at_stake, missing.basis) == (
        CheckSeverity.ERROR,
        day(1, 3),
        1300,
        "cost",
    )


def test_a_price_grows_stale_and_a_later_one_mends_it(system: System) -> None:
    price(system, day(1, 31), "14")
    # Of 31 January, a Wednesday: by 8 February six business days have passed.
    stale = said(system, as_of=day(2, 8))["price.stale", "ACME"]
    assert (stale.since, stale.at_stake, stale.basis) == (day(1, 31), 1680, "market value")
    assert said(system, as_of=day(2, 7)) == {}
    assert said(system, as_of=day(2, 8), stale_days=6) == {}
    before = system.clock.now()
    price(system, day(2, 8), "14")
    assert said(system, as_of=day(2, 8)) == {}
    assert list(said(system, as_of=day(2, 8), known_at=before)) == [("price.stale", "ACME")]


def test_a_price_that_halves_while_nothing_else_moves_looks_like_a_split(system: System) -> None:
    price(system, day(2, 6), "14")
    price(system, day(2, 7), "7.1")
    (found,) = said(system).values()
    assert (found.code, found.since, found.at_stake) == ("price.unadjusted-split", day(2, 7), 852)
    # With 120 more bought on the day the holding doubles as it should, and there is no complaint.
    doubled = fact("B3", T.BUY, day(2, 7), "120 0.01")
    settle(system, system.commands.ingest_transactions([doubled], "test"))
    assert said(system) == {}


def test_foreign_positions_need_rates_and_fresh_ones(system: System) -> None:
    commands = system.commands
    euro = Instrument("EURO", "Euro SE", "EUR", "Equity")
    settle(system, commands.ingest_instruments([euro], "test"))
    settle(system, commands.ingest_rates([Rate("EUR", "USD", day(1, 15), D("1.1"))], "test"))
    bought = fact("E1", T.BUY, day(1, 15), "10 20", "EURO", currency="EUR")
    settle(system, commands.ingest_transactions([bought], "test"))
    price(system, day(2, 5), "14")
    settle(system, commands.ingest_prices([Price("EURO", day(2, 5), D(20), "EUR")], "test"))
    found = said(system)
    # 10 x 20 and the 200 overdrawn on the account, both at 1.1.
    stale = found["rate.stale", "EUR/USD"]
    assert (stale.since, stale.at_stake) == (day(1, 15), 440)
    assert found["cash.negative", "CASH_EUR"].since == day(1, 15)
    assert set(found) == {("rate.stale", "EUR/USD"), ("cash.negative", "CASH_EUR")}


def test_twins_and_trades_at_no_price_are_told(system: System) -> None:
    price(system, day(2, 5), "14")
    again = fact("B1b", T.BUY, day(1, 3), "100 10")
    free = fact("F1", T.BUY, day(1, 4), "1 0")._replace(gross=D(9))
    settle(system, system.commands.ingest_transactions([again, free], "test"))
    found = said(system)
    twin = found["transaction.twin", "ACME"]
    assert (twin.severity, twin.since, twin.at_stake) == (CheckSeverity.NOTICE, day(1, 3), 1000)
    assert "B1, B1b" in twin.sentence
    assert found["transaction.zero-price", "ACME"].at_stake == 9
    assert len(found) == 2


def test_what_waits_is_summed_by_security_and_reason(system: System) -> None:
    price(system, day(2, 5), "14")
    waiting = [
        fact("N1", T.BUY, day(1, 8), "1 50", "NEW"),
        fact("N2", T.BUY, day(1, 9), "2 50", "NEW"),
        fact("N3", T.BUY, day(1, 9), "2 50", "NEWER", currency="JPY"),
    ]
    settle(system, system.commands.ingest_transactions(waiting, "test"))
    results = system.reader.health("P1").results
    # The one of which the money is not known comes first.
    assert [(one.subject, one.at_stake) for one in results] == [("NEWER", None), ("NEW", D(150))]
    assert "JPY/USD" in results[0].basis
    assert results[1].since == day(1, 8)


def test_a_book_that_nobody_feeds_is_behind(system: System) -> None:
    price(system, day(2, 5), "14")
    today = day(2, 5) + timedelta(days=30)
    # 120 x 14 and 10000 - 1000 - 600 + 390.
    behind = said(system, today=today)["book.behind", "P1"]
    assert (behind.since, behind.at_stake) == (day(2, 5), 1680 + 8790)


def test_all_portfolios_are_summed_up_and_strays_counted(system: System) -> None:
    commands = system.commands
    settle(system, commands.ingest_portfolios([Portfolio("P2", "EUR", day(1, 1))], "test"))
    stray = fact("X1", T.BUY, day(1, 3), "1 1", portfolio_id="P7")
    settle(system, commands.ingest_transactions([stray], "test"))
    summary = system.reader.health_summary()
    assert summary.total == 2
    assert [(one.portfolio.portfolio_id, len(one.results)) for one in summary.portfolios] == [
        ("P1", 1),
        ("P2", 0),
    ]
    assert summary.unassigned == (("P7", 1),)
    (second,) = system.reader.health_summary(skip=1).portfolios
    assert second.portfolio.portfolio_id == "P2"


def test_the_overview_counts_and_the_report_lists_the_same(system: System) -> None:
    (row,) = system.reader.overview()
    assert row.health_count == 1
    assert [one.code for one in system.reader.report("P1").health] == ["price.missing"]
    with pytest.raises(UnknownPortfolioError):
        system.reader.report("P1", known_at=datetime(2020, 1, 1, tzinfo=UTC))
