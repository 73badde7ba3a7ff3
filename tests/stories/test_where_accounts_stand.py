"""Where an account stands when a day is over, and what a household holds together."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from tests.fixtures.booking import portfolio, trade
from tests.stories.account_desk import AT, Desk
from tidebook.compliance.policies import AccountPolicy
from tidebook.compliance.trades import AccountType, SecurityTerms
from tidebook.engine.compliance.accounts import account_standings
from tidebook.model.facts import Price

if TYPE_CHECKING:
    from tidebook.engine.compliance.accounts import Standings

D = Decimal


def stands(desk: Desk, on: str) -> Standings:
    return account_standings(desk.compliance.household(["P1"]), date.fromisoformat(on))


def test_a_pattern_made_today_binds_from_tomorrow_on() -> None:
    desk = Desk("40000")
    for on, symbol in (("06", "A"), ("07", "B"), ("08", "C"), ("10", "D")):
        desk.day_trades(f"2025-01-{on}", symbol)
    (before,) = stands(desk, "2025-01-09").accounts
    assert before.standing.bound.day_trader is not None
    assert before.standing.bound.day_trader.designation is None
    (account,) = stands(desk, "2025-01-10").accounts
    bound = account.standing.bound
    assert bound.day_trader is not None
    assert bound.day_trader.designation is not None
    assert bound.day_trader.designation.on == date(2025, 1, 10)
    # Four times 40,000, and nothing held.
    assert bound.buying_power is not None
    assert bound.buying_power.limit.value == D(160000)


def test_a_call_is_shown_with_what_came_in_for_it() -> None:
    desk = Desk("40000")
    for on, symbol in (("06", "A"), ("07", "B"), ("08", "C"), ("10", "D")):
        desk.day_trades(f"2025-01-{on}", symbol)
    desk.day_trades("2025-01-13", "X", 2000, 100)
    desk.money("2025-01-14", "4000")
    (account,) = stands(desk, "2025-01-15").accounts
    power = account.standing.bound.buying_power
    assert power is not None
    # A quarter of 200,000 less 40,000, of which 4,000 came in; twice 44,000.
    assert [(one.amount, one.brought) for one in power.calls] == [(D(10000), D(4000))]
    assert power.limit.value == D(88000)


def test_a_restriction_is_shown_until_its_last_day() -> None:
    desk = Desk("1000", AccountPolicy(AccountType.CASH))
    desk.does("2025-06-02", "buy 50 A at 100")
    desk.does("2025-06-03", "sell 50 A at 110")
    (account,) = stands(desk, "2025-08-31").accounts
    assert account.standing.bound.cash is not None
    held = account.standing.bound.cash.restriction
    assert held is not None
    assert (held.until, held.why) == (date(2025, 9, 1), "free riding")
    (free,) = stands(desk, "2025-09-01").accounts
    assert free.standing.bound.cash is not None
    assert free.standing.bound.cash.restriction is None


def test_a_deficit_is_shown_until_it_is_met() -> None:
    desk = Desk("10000", year=2026)
    desk.does("2026-07-01", "buy 600 X at 100")
    (owing,) = stands(desk, "2026-07-01").accounts
    assert owing.standing.bound.margin is not None
    assert [one.amount for one in owing.standing.bound.margin.open] == [D(5000)]
    desk.money("2026-07-02", "5000")
    (met,) = stands(desk, "2026-07-02").accounts
    assert met.standing.bound.margin is not None
    assert met.standing.bound.margin.open == ()


def test_a_position_that_prices_made_too_large_is_told_of() -> None:
    desk = Desk("100000")
    desk.does("2025-06-02", "buy 150 X at 100")
    (before,) = stands(desk, "2025-06-02").accounts
    # 15,000 of 100,000.
    assert [(one.percent, one.is_above) for one in before.concentrations] == [(D(15), False)]
    desk.book.ingest_prices([Price("X", date(2025, 6, 3), D(200), "USD")], "test")
    (after,) = stands(desk, "2025-06-03").accounts
    # 30,000 of 85,000 in cash and 30,000: 26.1 %.
    (large,) = after.concentrations
    assert large.is_above
    assert large.percent is not None
    assert round(large.percent, 1) == D("26.1")


def test_a_household_is_as_concentrated_as_its_accounts_together() -> None:
    terms = {name: SecurityTerms("Acme Corp") for name in ("ACME.A", "ACME.B")}
    desk = Desk("100000", AccountPolicy(securities=terms))
    spouse = portfolio(cif_id="U1")._replace(portfolio_id="P2")
    desk.book.ingest_portfolios([spouse], "test")
    desk.compliance.save_policy("P2", AccountPolicy(securities=terms), AT)
    paid = trade("in2", "DEPOSIT", "CASH", "2025-01-02", gross="100000")
    desk.does("2025-06-02", "buy 180 ACME.A at 100")
    desk.does("2025-06-03", "buy 10 ACME.B at 100")
    bought = trade("b2", "BUY", "ACME.B", "2025-06-03", quantity="300", price="100")
    desk.book.ingest_transactions(
        [one._replace(portfolio_id="P2") for one in (paid, bought)], "test"
    )
    found = stands(desk, "2025-06-04")
    assert [one.concentrations[0].percent for one in found.accounts] == [D(19), D(30)]
    (together,) = found.together
    # 19,000 and 30,000 of 200,000.
    (issuer,) = together.concentrations
    assert (issuer.name, issuer.percent, issuer.is_above) == ("Acme Corp", D("24.5"), True)
    assert issuer.securities == ("ACME.A", "ACME.B")
