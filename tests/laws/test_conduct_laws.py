"""What binds an account does not depend on the day from which its trades are judged."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from hypothesis import given, strategies as st

from tests.fixtures.booking import portfolio, security, trade
from tests.unit.cli.memory_book import MemoryBook
from tidebook.compliance.policies import AccountPolicy
from tidebook.compliance.trades import (
    AccountType,
    DayTradeRegime,
    DayTraderReset,
    DayTraderTerms,
)
from tidebook.engine.book_facts import rebuilt
from tidebook.engine.compliance.judging import Asked, judge_household
from tidebook.engine.queries import FactQuery

if TYPE_CHECKING:
    from tidebook.compliance.walking import Judged
    from tidebook.engine.book_facts import Rebuilt

D = Decimal
AS_OF = date(2028, 1, 3)
STARTS = (date(2025, 3, 3), date(2026, 6, 4))
ACTS = st.tuples(
    st.integers(0, 8),
    st.sampled_from(("buy", "sell", "both", "in", "out")),
    st.sampled_from(("X", "Y")),
    st.integers(1, 40),
)
POLICIES = st.builds(
    AccountPolicy,
    st.sampled_from((AccountType.MARGIN, AccountType.MARGIN, AccountType.CASH)),
    day_trade_regime=st.sampled_from((None, DayTradeRegime.LEGACY_PDT)),
    params=st.sampled_from(
        (
            {},
            {"intraday_margin.practice_min": D(1)},
            {"cash_account.good_faith_min": D(1)},
        )
    ),
    day_trader=st.sampled_from(
        (
            DayTraderTerms(),
            DayTraderTerms(date(2025, 3, 5)),
            DayTraderTerms(None, (DayTraderReset(date(2025, 3, 12), "desk", "asked"),)),
        )
    ),
)


def books(start: date, acts: list[tuple[int, str, str, int]]) -> Rebuilt:
    """Return the book of acts, each some days after the one before; a unit is worth 5,000."""
    book = MemoryBook()
    book.ingest_portfolios([portfolio(cif_id="U1", allow_short=True)], "test")
    book.ingest_instruments([security("X"), security("Y")], "test")
    facts = [trade("start", "DEPOSIT", "CASH", start.isoformat(), gross="30000")]
    on = start
    for number, (days, act, symbol, units) in enumerate(acts):
        on += timedelta(days=days)
        for place, kind in enumerate(("BUY", "SELL") if act == "both" else (act.upper(),)):
            at = f"{on}T15:{number:02}:{place:02}+00:00"
            if kind in {"BUY", "SELL"}:
                made = trade(f"{number}{kind}", kind, symbol, at, quantity=str(units), price="5000")
            else:
                moves = "DEPOSIT" if kind == "IN" else "WITHDRAWAL"
                made = trade(f"{number}{kind}", moves, "CASH", at, gross=str(units * 1000))
            facts.append(made)
    book.ingest_transactions(facts, "test")
    return rebuilt(book.book_facts(FactQuery(("P1",))))


@given(st.sampled_from(STARTS), st.lists(ACTS, min_size=4, max_size=24), POLICIES, st.data())
def test_a_trade_is_judged_alike_from_whichever_day_on(
    start: date, acts: list[tuple[int, str, str, int]], policy: AccountPolicy, data: st.DataObject
) -> None:
    made = books(start, acts)

    def judged(since: date) -> list[Judged]:
        return judge_household(made, Asked({"P1": policy}, since, AS_OF))["P1"]

    every = judged(date.min)
    days = sorted({one.trade.on for one in every})
    if not days:
        return
    since = data.draw(st.sampled_from(days))
    assert judged(since) == [one for one in every if one.trade.on >= since]
