"""An order judged on a household as it stands is judged as if the whole book were built with it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from hypothesis import event, given, strategies as st

from tests.laws.households import ACCOUNTS, GROUPS, kept, orders
from tidebook.book.whole import Facts
from tidebook.compliance.policies import AccountPolicy
from tidebook.compliance.taxes import (
    AccountKind,
    Closing,
    Identity,
    Opening,
    Owner,
    StandingWashes,
    WashTerms,
    match_washes,
)
from tidebook.compliance.trades import AccountType, Restriction, Side, UserLimit
from tidebook.engine.book_facts import BookFacts
from tidebook.engine.compliance.ports import Household
from tidebook.engine.compliance.pretrade import Order, check_orders
from tidebook.engine.compliance.standing import StandingHousehold
from tidebook.model.actions import ActionTable, ActionType, CorporateAction
from tidebook.model.facts import Price, Rate, Transaction, TransactionType
from tidebook.model.instruments import Instrument, OptionRight
from tidebook.model.markets import over_splits, price_table, rate_table
from tidebook.model.portfolios import CostMethod, Portfolio

if TYPE_CHECKING:
    from tests.laws.households import Order as Filled

D = Decimal
FIRST = date(2025, 1, 2)
ERAS = (FIRST, date(2026, 5, 1))
"""Under the pattern day trader rule, and across the change to the intraday margin standard."""
DAYS = 60
LAST_HOUR = 23


def _security(name: str, currency: str = "USD", kind: str = "Equity") -> Instrument:
    return Instrument(name, name, currency, kind, asset_class=kind)


INSTRUMENTS = {
    one.security_id: one
    for one in (
        _security("AAA")._replace(sector="Tech"),
        _security("BBB")._replace(sector="Tech"),
        _security("EEE", "EUR"),
        _security("BTC", kind="Crypto"),
        _security("FUT", kind="Future")._replace(multiplier=D(50)),
        _security("CALL", kind="Option")._replace(
            multiplier=D(100), underlying_id="AAA", option_right=OptionRight.CALL
        ),
    )
}
PORTFOLIOS = {
    "MINE": Portfolio("MINE", "USD", FIRST, cif_id="U", allow_short=True),
    "IRA": Portfolio("IRA", "USD", FIRST, cif_id="U"),
    "APP": Portfolio(
        "APP", "USD", FIRST, cif_id="U", allow_short=True, portfolio_type="FUNDED_FROM_OUTSIDE"
    ),
}
RATES = rate_table(
    Rate("EUR", "USD", first + timedelta(days=7 * n), D(110 + n) / 100)
    for first in ERAS
    for n in range(9)
)
SPLIT = CorporateAction("split", ActionType.SPLIT, "AAA", FIRST, D(2), D(1))
NAMES = st.sampled_from(tuple(INSTRUMENTS))
UNITS = st.integers(1, 60).map(D)
CENTS = st.integers(800, 2000).map(lambda cents: D(cents) / 100)
SIDES = st.sampled_from(Side)


class Scene(NamedTuple):
    """A household, and what somebody means to do in it."""

    household: Household
    orders: list[Order]
    at: datetime


def _fact(
    number: int, where: str, name: str, at: datetime | date, terms: tuple[Side, Decimal, Decimal]
) -> Transaction:
    side, units, price = terms
    known = INSTRUMENTS[name]
    instant = at if isinstance(at, datetime) else None
    day = None if isinstance(at, datetime) else at
    kind = TransactionType.BUY if side is Side.BUY else TransactionType.SELL
    gross = units * price * known.multiplier
    return Transaction(
        *(f"t{number:03}", where, name, kind, instant, day, units, price, gross),
        *(known.currency, known.currency),
        fee=D("1.5"),
    )


@st.composite
def policies(draw: st.DrawFn) -> AccountPolicy:
    """Draw what is stated of an account."""
    return AccountPolicy(
        type=draw(st.sampled_from(AccountType)),
        jurisdiction=draw(st.sampled_from(("US", "US", "CA"))),
        limits=(UserLimit("L", D(900)),) if draw(st.booleans()) else (),
        restricted=(Restriction("BBB"),) if draw(st.booleans()) else (),
        tax_kind=draw(st.sampled_from((AccountKind.TAXABLE, AccountKind.TAXABLE, AccountKind.IRA))),
        owner=draw(st.sampled_from(Owner)),
        identical={"AAA": "twins", "BBB": "twins"} if draw(st.booleans()) else {},
    )


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    """Draw a household with a history of two months, and a basket at its end or later."""
    first = draw(st.sampled_from(ERAS))
    method = draw(st.sampled_from((CostMethod.FIFO, CostMethod.FIFO, CostMethod.AVCO)))
    own = {
        name: PORTFOLIOS[name]._replace(cost_method=method)
        for name in draw(st.sets(st.sampled_from(tuple(PORTFOLIOS)), min_size=1))
    }
    where = st.sampled_from(tuple(own))
    facts: list[Transaction] = []
    for number in range(draw(st.integers(0, 30))):
        day = first + timedelta(days=draw(st.integers(0, DAYS)))
        hour = draw(st.integers(9, LAST_HOUR) | st.none())
        at = day if hour is None else datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
        terms = (draw(SIDES), draw(UNITS), draw(CENTS))
        facts.append(_fact(number, draw(where), draw(NAMES), at, terms))
    actions = ActionTable(
        (SPLIT._replace(ex_date=first + timedelta(days=30)),) if draw(st.booleans()) else ()
    )
    prices = price_table(
        Price(name, first + timedelta(days=5 * n), draw(CENTS), known.currency)
        for name, known in INSTRUMENTS.items()
        for n in range(draw(st.integers(0, 3)))
    )
    quotes = {name: over_splits(one, actions.splits(name)) for name, one in prices.items()}
    given = BookFacts(Facts(own, INSTRUMENTS, facts, RATES, actions), quotes, (), {}, {})
    stated = draw(st.dictionaries(where, policies()))
    day = first + timedelta(days=draw(st.sampled_from((DAYS - 1, DAYS, DAYS + 1, DAYS + 30, 120))))
    at = datetime(
        day.year, day.month, day.day, draw(st.sampled_from((3, 15, LAST_HOUR))), 30, tzinfo=UTC
    )
    basket = [
        Order(
            f"o{n}",
            draw(where),
            draw(NAMES | st.just("NEW")),
            draw(SIDES),
            draw(UNITS),
            draw(CENTS),
        )
        for n in range(draw(st.integers(1, 3)))
    ]
    return Scene(Household(stated, given), basket, at)


@given(scenes())
def test_an_order_is_judged_on_what_stands_as_on_the_whole_book(scene: Scene) -> None:
    household, basket, at = scene
    standing = StandingHousehold(household, at)
    market = standing.with_market(household.facts.facts.instruments, household.facts.prices)
    whole = check_orders(household, basket, at)
    for _ in range(2):  # what was asked once changes nothing of what is asked next
        told = standing.check(market, basket, at)
        event("whole book needed" if told is None else "as it stands")
        assert told is None or repr(told) == repr(whole)


@given(scenes())
def test_the_prices_are_those_of_now(scene: Scene) -> None:
    household, basket, at = scene
    standing = StandingHousehold(household, at)
    later = price_table(
        Price(name, at.date() - timedelta(days=1), D(12), one.currency)
        for name, one in INSTRUMENTS.items()
    )
    moved = household._replace(facts=household.facts._replace(prices=later))
    event("serves" if standing.serves(at, later) else "must be built anew")
    if standing.serves(at, later):
        told = standing.check(standing.with_market(INSTRUMENTS, later), basket, at)
        assert told is None or repr(told) == repr(check_orders(moved, basket, at))


@given(orders(), st.integers(0, 25))
def test_washes_matched_onto_what_stands_are_those_of_the_whole(
    placed: list[Filled], early: int
) -> None:
    events = kept(placed).history.events
    terms = WashTerms(ACCOUNTS, Identity(GROUPS))
    days = sorted({one.on for one in events})
    last = days[min(early, len(days) - 1)]
    before = [one for one in events if one.on <= last]
    after = [one for one in events if one.on > last]
    whole = match_washes(events, terms).sales
    told = StandingWashes(before, terms).after(after, terms)
    new = {one.transaction_id for one in after if isinstance(one, Closing)}
    bought = {one.lot for one in after if isinstance(one, Opening)}
    assert [one for one in told if one.sale_id in new] == [
        one for one in whole if one.sale_id in new
    ]
    assert [each for one in told for each in one.replacements if each.lot in bought] == [
        each for one in whole for each in one.replacements if each.lot in bought
    ]
