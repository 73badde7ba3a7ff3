"""What is said about the data behind a portfolio, since when, and how much money rests on it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tidebook.book.checks.health import checked, keys_in_question
from tidebook.book.checks.health_facts import (
    CheckSeverity,
    DoubtfulFact,
    HeldPosition,
    PortfolioBasis,
    PriceJump,
    held_at,
    since,
)
from tidebook.book.checks.health_market import price_jumps
from tidebook.model.facts import Rate
from tidebook.model.markets import NO_PRICES, PriceQuote, PriceQuotes, Split, rate_table
from tidebook.model.portfolios import Portfolio

if TYPE_CHECKING:
    from tidebook.book.checks.health_facts import CheckResult

D = Decimal
ON = date(2024, 3, 15)  # a Friday
P1 = Portfolio("P1", "USD", date(2024, 1, 1))


def on(day: int) -> date:
    return date(2024, 3, day)


def held(
    security_id: str = "ACME",
    quantity: str = "10",
    cost: str = "900",
    *,
    price: str | None = "100",
    priced_on: date = ON,
    currency: str = "USD",
    price_currency: str | None = None,
    is_cash: bool = False,
    is_known: bool = True,
) -> HeldPosition:
    quote = None
    if price is not None and not is_cash:
        quote = PriceQuote(priced_on, D(price), price_currency or currency)
    return HeldPosition(security_id, currency, D(quantity), D(cost), is_cash, is_known, quote)


def basis(*positions: HeldPosition, **more: object) -> PortfolioBasis:
    plain = PortfolioBasis(P1, ON, positions, (), (), (), (), {}, rate_table([]))
    return plain._replace(**more)  # pyright: ignore[reportArgumentType]


def only(found: PortfolioBasis) -> CheckResult:
    (result,) = checked(found)
    return result


def place(result: CheckResult) -> tuple[str, str, date | None, object, str]:
    return result.code, result.subject, result.since, result.at_stake, result.basis


def test_a_contract_has_its_multiple_at_stake() -> None:
    # Ten contracts at 100 points, each point worth 50: 50,000.
    future = held()._replace(multiplier=D(50))
    found = only(basis(future, today=date(2030, 1, 1)))
    assert place(found)[0::3] == ("book.behind", 50_000)


def test_sound_data_give_nothing_to_say() -> None:
    assert checked(basis(held(), held("CASH_USD", "50", "50", is_cash=True))) == ()
    assert checked(basis()) == ()
    assert checked(basis(on=None)) == ()


def test_a_missing_price_is_an_error_since_the_position_was_opened() -> None:
    steps = {"ACME": ((on(1), D(5)), (on(4), D(0)), (on(6), D(3)), (on(7), D(10)))}
    result = only(basis(held(price=None), steps=steps))
    assert place(result) == ("price.missing", "ACME", on(6), 900, "cost")
    assert result.severity is CheckSeverity.ERROR


@pytest.mark.parametrize(("priced_on", "is_stale"), [(on(8), False), (on(7), True)])
def test_a_price_is_stale_beyond_five_business_days(priced_on: date, is_stale: bool) -> None:
    # From Friday the 8th to Friday the 15th are five.
    found = checked(basis(held(priced_on=priced_on)))
    assert [place(one) for one in found] == (
        [("price.stale", "ACME", on(7), 1000, "market value")] if is_stale else []
    )


def test_how_old_is_stale_can_be_said_and_the_calendar_counts() -> None:
    assert only(basis(held(priced_on=on(14)), stale_days=0)).code == "price.stale"
    assert checked(basis(held(priced_on=on(7)), stale_days=6)) == ()
    # Were only three of the days business days, the price is three days old.
    known = (on(7), on(11), on(13), on(15))
    assert checked(basis(held(priced_on=on(7)), business_days=known)) == ()


def test_a_price_of_zero_is_an_error_with_the_cost_at_stake() -> None:
    assert place(only(basis(held(price="0", priced_on=on(14))))) == (
        "price.zero",
        "ACME",
        on(14),
        900,
        "cost",
    )


def test_a_missing_rate_is_told_once_for_all_who_need_it() -> None:
    found = only(
        basis(
            held("A", currency="EUR"),
            held("CASH_EUR", "-5", "-6", currency="EUR", is_cash=True),
            portfolio=P1._replace(is_leverage_allowed=True),
        )
    )
    # Neither has a value, so their costs are at stake: 900 and 6.
    assert place(found) == ("rate.missing", "EUR/USD", None, 906, "cost")
    assert "A, CASH_EUR need it" in found.sentence


def test_a_price_in_another_currency_than_the_instrument_s_needs_a_rate_too() -> None:
    assert only(basis(held(price_currency="GBP"))).subject == "GBP/USD"


def test_a_stale_rate_has_the_value_that_rests_on_it_at_stake() -> None:
    rates = rate_table([Rate("EUR", "USD", on(7), D("1.1"))])
    found = only(basis(held(currency="EUR"), rates=rates))
    assert place(found) == ("rate.stale", "EUR/USD", on(7), 1100, "market value")


def test_a_short_position_is_an_error_where_shorts_are_forbidden() -> None:
    steps = {"ACME": ((on(1), D(5)), (on(4), D(-2)), (on(6), D(-10)))}
    short = basis(held(quantity="-10"), steps=steps)
    assert place(only(short)) == ("position.negative", "ACME", on(4), 1000, "market value")
    assert checked(short._replace(portfolio=P1._replace(allow_short=True))) == ()


def test_an_overdraft_is_a_warning_where_leverage_is_not_allowed() -> None:
    account = held("CASH_USD", "-70", "-70", is_cash=True)
    steps = {"CASH_USD": ((on(1), D(5)), (on(4), D(-70)))}
    overdrawn = basis(account, steps=steps)
    result = only(overdrawn)
    assert place(result) == ("cash.negative", "CASH_USD", on(4), 70, "market value")
    assert result.severity is CheckSeverity.WARNING
    assert checked(overdrawn._replace(portfolio=P1._replace(is_leverage_allowed=True))) == ()


def test_a_holding_without_an_instrument_is_an_error() -> None:
    steps = {"ACME": ((on(4), D(10)),)}
    found = only(basis(held(is_known=False), steps=steps))
    assert place(found) == ("instrument.unknown", "ACME", on(4), 1000, "market value")


def jump(before: str, after: str, following: str | None = None) -> PriceJump:
    later = None if following is None else PriceQuote(on(8), D(following), "USD")
    return PriceJump(
        "ACME", PriceQuote(on(6), D(before), "USD"), PriceQuote(on(7), D(after), "USD"), later
    )


def test_a_jump_by_a_split_s_ratio_while_the_holding_stood_still() -> None:
    still = {"ACME": ((on(1), D(10)),)}
    found = only(basis(held(price="50"), jumps=[jump("100", "50", "51")], steps=still))
    assert place(found) == ("price.unadjusted-split", "ACME", on(7), 500, "market value")
    assert "2:1" in found.sentence
    # The holding doubled on the day: the split is there.
    split = {"ACME": ((on(1), D(5)), (on(7), D(10)))}
    assert checked(basis(held(price="50"), jumps=[jump("100", "50")], steps=split)) == ()
    # Bought only afterwards: the jump was nobody's here.
    later = {"ACME": ((on(8), D(10)),)}
    assert checked(basis(held(price="50"), jumps=[jump("100", "50")], steps=later)) == ()
    # Down by half and a tenth: no split does that.
    assert checked(basis(held(price="45"), jumps=[jump("100", "45")], steps=still)) == ()


def test_a_price_out_of_line_for_one_day_is_a_spike_and_no_split() -> None:
    still = {"ACME": ((on(1), D(10)),)}
    down = jump("100", "10", "101")
    back = PriceJump("ACME", down.after, PriceQuote(on(8), D(101), "USD"), None)
    found = only(basis(held(), jumps=[down, back], steps=still))
    assert place(found) == ("price.spike", "ACME", on(7), 1000, "market value")


def waiting(identity: str, day: int, amount: str, currency: str = "USD") -> DoubtfulFact:
    return DoubtfulFact(
        "rate.missing", (identity,), "BUY", "NEW", on(day), D(amount), currency, "why", "how"
    )


def test_what_waits_is_one_result_for_security_and_reason() -> None:
    result = only(basis(waiting=[waiting("W2", 5, "40"), waiting("W1", 4, "60")]))
    assert place(result) == ("transaction.waiting", "NEW", on(4), 100, "gross amount")
    assert result.sentence.startswith("2 transactions wait and are not in the book (rate.missing)")
    assert "W1: why" in result.sentence
    single = only(basis(waiting=[waiting("W1", 4, "60")]))
    assert single.sentence.startswith("1 transaction waits and is not in the book")


def test_money_that_cannot_be_converted_is_not_named_and_goes_first() -> None:
    found = checked(basis(held(price=None), waiting=[waiting("W1", 4, "60", "CHF")]))
    assert [one.at_stake for one in found] == [None, 900]
    assert found[0].basis == "no exchange rate CHF/USD is known on or before 2024-03-04"


def test_twins_have_all_but_one_at_stake() -> None:
    alike = DoubtfulFact("", ("T1", "T2", "T3"), "BUY", "ACME", on(4), D(100), "USD")
    result = only(basis(twins=[alike]))
    assert place(result) == ("transaction.twin", "ACME", on(4), 200, "gross amount")
    assert result.severity is CheckSeverity.NOTICE


def test_a_trade_at_no_price_is_a_warning() -> None:
    free = DoubtfulFact("", ("T1",), "SELL", "ACME", on(4), D(7), "USD")
    assert place(only(basis(unpriced_trades=[free])))[:4] == (
        "transaction.zero-price",
        "ACME",
        on(4),
        7,
    )


def test_a_portfolio_is_behind_when_its_last_day_is_long_past() -> None:
    behind = basis(held(), today=date(2024, 3, 25))  # six business days later
    assert place(only(behind)) == ("book.behind", "P1", ON, 1000, "market value")
    assert checked(behind._replace(today=date(2024, 3, 22))) == ()
    assert checked(basis(today=date(2030, 1, 1))) == ()


def test_results_come_with_most_money_first_then_by_severity() -> None:
    found = checked(
        basis(
            held("SMALL", price="1", priced_on=on(1)),
            held("LARGE", price="500", priced_on=on(1)),
            held("GONE", cost="10", price=None),
        )
    )
    assert [(one.subject, one.at_stake) for one in found] == [
        ("LARGE", 5000),
        ("GONE", 10),
        ("SMALL", 10),
    ]


def test_the_course_of_holdings_is_asked_for_only_where_it_decides() -> None:
    positions = [
        held("FINE"),
        held("SHORT", "-1"),
        held("BARE", price=None),
        held("NEW", is_known=False),
        held("JUMPED"),
        held("CASH_USD", is_cash=True),
    ]
    jumped = jump("2", "1")._replace(security_id="JUMPED")
    assert keys_in_question(positions, [jumped]) == {"SHORT", "BARE", "NEW", "JUMPED"}


def test_holdings_are_read_off_their_steps() -> None:
    steps = ((on(1), D(5)), (on(4), D(0)), (on(6), D(3)))
    assert [held_at(steps, on(day)) for day in (1, 3, 4, 6, 9)] == [5, 5, 0, 3, 3]
    assert since(steps, is_negative=False) == on(6)
    assert since(steps[:2], is_negative=False) is None
    assert since(steps, is_negative=True) is None
    assert since((), is_negative=True) is None


def test_a_jump_is_known_from_its_day_on_and_what_follows_from_the_next() -> None:
    down = jump("100", "10", "101")
    assert down.seen_on(on(6)) is None
    assert down.seen_on(on(7)) == jump("100", "10")
    assert down.seen_on(on(8)) == down


def test_prices_far_apart_in_one_currency_are_jumps() -> None:
    quotes = PriceQuotes(
        (on(4), on(5), on(6), on(7), on(8), on(11)),
        tuple(map(D, ("100", "68.9", "69.5", "140", "14", "0"))),
        ("USD", "USD", "USD", "USD", "EUR", "EUR"),
    )
    # 100 to 68.9 is 1.451 to 1 and 69.5 to 140 is 1 to 2.01; the change of currency and the
    # price of zero are no ratio.
    found = price_jumps("ACME", quotes)
    assert [(one.before.price, one.after.price) for one in found] == [
        (D(100), D("68.9")),
        (D("69.5"), D(140)),
    ]
    assert [one.following for one in found] == [
        PriceQuote(on(6), D("69.5"), "USD"),
        PriceQuote(on(8), D(14), "EUR"),
    ]
    assert price_jumps("ACME", NO_PRICES) == ()


SPLIT = Split(on(7), D(2), D(1), "S1")


def test_a_known_split_is_no_jump() -> None:
    quotes = PriceQuotes((on(6), on(7)), (D(100), D(50)), ("USD", "USD"))
    assert price_jumps("ACME", quotes, [SPLIT]) == ()
    assert [one.after.on for one in price_jumps("ACME", quotes)] == [on(7)]
    # It took effect on another day: between these prices there is none.
    assert len(price_jumps("ACME", quotes, [SPLIT._replace(on=on(6))])) == 1


def test_prices_that_stand_still_over_a_known_split_are_doubtful() -> None:
    quotes = PriceQuotes((on(6), on(7)), (D(50), D(50)), ("USD", "USD"))
    (found,) = price_jumps("ACME", quotes, [SPLIT])
    assert (found.before.price, found.after.price, found.splits) == (25, 50, (SPLIT,))
    # Five became ten by the split, and nothing else happened.
    doubled = {"ACME": ((on(1), D(5)), (on(7), D(10)))}
    result = only(basis(held(price="50"), jumps=[found], steps=doubled))
    assert place(result) == ("price.unadjusted-split", "ACME", on(7), 500, "market value")
    assert "from 25 on 2024-03-06, counted in the units after the split" in result.sentence
    assert "1:2" in result.sentence
    # Five more were bought on the day: what the split did is not told by the holding.
    bought = {"ACME": ((on(1), D(5)), (on(7), D(15)))}
    assert checked(basis(held(price="50"), jumps=[found], steps=bought)) == ()
