"""The live book against figures that a reader can work out, whatever the order of events."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from typing import TYPE_CHECKING

import pytest

from tidebook.live import (
    Heights,
    Holding,
    Instrument,
    LiveBook,
    OrderExecuted,
    PeaksTold,
    Side,
    Start,
    StopTripped,
    Tick,
    TradeClosed,
    TradeOpened,
    drawdown,
    exposure,
    profit_and_loss,
    snapshot,
)
from tidebook.live.trades import statistics

if TYPE_CHECKING:
    from tidebook.live import Event, Snapshot

NOON = datetime(2026, 6, 3, 12, tzinfo=UTC)
"""A Wednesday."""
NOTHING = Start("P", "USD", "UTC", 1, 0.0, (), {}, None, 0.0, 0.0, {}, None, frozenset())


def _start(cash: float = 10_000.0, **given: object) -> Start:
    return NOTHING._replace(cash=cash, **given)  # pyright: ignore[reportArgumentType]


def _opened(symbol: str, side: Side, quantity: float, price: float) -> TradeOpened:
    return TradeOpened(
        f"o-{symbol}", "P", symbol, symbol, side, quantity, price, NOON, f"t-{symbol}"
    )


def _closed(symbol: str, side: Side, quantity: float, entry: float, price: float) -> TradeClosed:
    names = f"c-{symbol}", "P", symbol, symbol, side
    return TradeClosed(*names, quantity, entry, price, NOON, f"x-{symbol}")


def _book(start: Start, *events: Event, at: datetime = NOON) -> LiveBook:
    book = LiveBook()
    book.begin(start, at)
    for event in events:
        book.apply(event, at)
    return book


def _now(book: LiveBook, at: datetime = NOON) -> Snapshot:
    told = snapshot(book, "P", at)
    assert told is not None
    return told


THREE_TRADES = (
    _opened("BTC", Side.LONG, 0.2, 42_000.0),
    _opened("ETH", Side.LONG, 5.0, 2_680.0),
    _opened("SOL", Side.SHORT, 45.0, 98.50),
)
THREE_PRICES = (
    Tick("BTC", 42_741.13, NOON + timedelta(seconds=1)),
    Tick("ETH", 2_833.30, NOON + timedelta(seconds=1)),
    Tick("SOL", 95.09, NOON + timedelta(seconds=1)),
)
LATER = NOON + timedelta(seconds=2)


def test_three_live_trades_over_cash() -> None:
    # 0.2 x 741.13 = 148.226; 5 x 153.30 = 766.50; 45 x 3.41 = 153.45.
    book = _book(_start(), *THREE_TRADES, *THREE_PRICES, at=LATER)
    told = _now(book, LATER)
    assert told.unrealised == pytest.approx(1_068.176, abs=1e-9)
    assert told.standing.equity == pytest.approx(11_068.176, abs=1e-9)
    assert told.cash == 10_000.0
    assert told.exposure == pytest.approx(26_993.776, abs=1e-9)
    gains = {one.line.symbol: one.unrealised for one in told.positions}
    assert gains == pytest.approx({"BTC": 148.226, "ETH": 766.5, "SOL": 153.45})
    work = exposure(book, book.accounts["P"], LATER)
    assert (work.long, work.short, work.net) == pytest.approx((22_714.726, 4_279.05, 18_435.676))
    assert work.by_symbol["SOL"] == pytest.approx(-4_279.05)
    assert work.without_sector == ("BTC", "ETH", "SOL")


def test_a_book_of_nothing_but_cash() -> None:
    told = _now(_book(_start()))
    assert (told.standing.equity, told.exposure, told.coverage) == (10_000.0, 0.0, None)
    assert told.daily is None
    assert told.reasons["daily_pnl"] == "no value of an earlier day is known"


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_the_order_in_which_events_arrive_does_not_matter(order: tuple[int, ...]) -> None:
    # 2 of 3 are closed at 110: 20 are realised; the last is worth 121 - 100 = 21 more.
    events: list[Event] = [
        _opened("A", Side.LONG, 3.0, 100.0),
        _closed("A", Side.LONG, 2.0, 100.0, 110.0),
        Tick("A", 121.0, NOON + timedelta(seconds=1)),
        OrderExecuted("e", "P", "o", "A", 105.0, NOON),
    ]
    told = _now(_book(_start(1_000.0), *(events[place] for place in order), at=LATER), LATER)
    assert told.standing.equity == pytest.approx(1_041.0)
    assert (told.realised_today, told.unrealised) == pytest.approx((20.0, 21.0))
    assert [(one.line.symbol, one.line.quantity) for one in told.positions] == [("A", 1.0)]


def test_what_arrives_twice_counts_once() -> None:
    opening, closing = (
        _opened("A", Side.SHORT, 3.0, 100.0),
        _closed("A", Side.SHORT, 1.0, 100.0, 90.0),
    )
    told = _now(_book(_start(1_000.0), opening, closing, opening, closing))
    assert told.standing.equity == pytest.approx(1_030.0)
    assert told.realised_today == pytest.approx(10.0)


def test_an_older_price_changes_nothing_and_one_from_the_future_is_of_now() -> None:
    held = Holding("A", 10.0, 900.0, Instrument(), price=95.0, price_on=date(2026, 6, 2))
    book = _book(_start(0.0, holdings=(held,)))
    assert _now(book).standing.equity == 950.0
    assert book.apply(Tick("A", 100.0, NOON + timedelta(hours=5)), NOON) == ("P",)
    assert book.apply(Tick("A", 50.0, NOON - timedelta(seconds=1)), NOON) == ()
    assert book.apply(Tick("A", 101.0, NOON), NOON) == ("P",)
    assert book.apply(Tick("B", 7.0, NOON), NOON) == ()
    assert _now(book).standing.equity == 1_010.0


def test_a_trade_that_is_booked_is_told_by_the_book_of_record_alone() -> None:
    book = _book(_start(1_000.0), _opened("A", Side.LONG, 2.0, 100.0))
    book.apply(Tick("A", 110.0, NOON), NOON)
    assert _now(book).standing.equity == pytest.approx(1_020.0)
    booked = Holding("A", 2.0, 200.0, Instrument(sector="TECH"), price=100.0)
    book.begin(_start(800.0, generation=2, holdings=(booked,), booked=frozenset({"t-A"})), NOON)
    told = _now(book)
    assert told.standing.equity == pytest.approx(1_020.0)
    assert [(one.line.trade, one.unrealised) for one in told.positions] == [(None, 20.0)]


def test_a_booked_position_that_was_closed_leaves_with_its_gain() -> None:
    # Bought 4 at 50, 3 of them sold at 60: 30 realised, 180 in cash, the last is worth 61.
    held = Holding("A", 4.0, 200.0, Instrument(), price=60.0)
    book = _book(_start(0.0, holdings=(held,)), _closed("A", Side.LONG, 3.0, 50.0, 60.0))
    book.apply(Tick("A", 61.0, NOON), NOON)
    told = _now(book)
    assert told.cash == pytest.approx(180.0)
    assert told.standing.equity == pytest.approx(241.0)
    assert (told.realised_today, told.unrealised) == pytest.approx((30.0, 11.0))
    # Booked: the book says the same by itself.
    rest = Holding("A", 1.0, 50.0, Instrument(), price=60.0)
    gains = {NOON.date(): 30.0}
    book.begin(
        _start(180.0, generation=2, holdings=(rest,), booked=frozenset({"x-A"}), realised=gains),
        NOON,
    )
    again = _now(book)
    assert again.standing.equity == pytest.approx(241.0)
    assert (again.realised_today, again.unrealised) == pytest.approx((30.0, 11.0))


def test_on_margin_the_gain_counts_and_the_value_does_not() -> None:
    # One contract of 50 units at 4,000, now 4,010: a gain of 500, and 200,500 at work.
    future = Holding("ES", 1.0, 200_000.0, Instrument(factor=50.0), on_margin=True, price=4_010.0)
    told = _now(_book(_start(10_000.0, holdings=(future,))))
    assert told.standing.equity == pytest.approx(10_500.0)
    assert told.exposure == pytest.approx(200_500.0)


def test_what_has_no_price_is_carried_at_its_cost_and_its_first_price_is_no_gain() -> None:
    held = Holding("A", 10.0, 900.0, Instrument())
    book = _book(_start(100.0, holdings=(held,)))
    told = _now(book)
    assert (told.standing.equity, told.coverage) == (1_000.0, 0.0)
    assert told.positions[0].unrealised is None
    book.apply(Tick("A", 45.0, NOON), NOON)
    priced = _now(book)
    assert priced.standing.equity == pytest.approx(550.0)
    assert priced.daily_drawdown_pct == pytest.approx(0.0)
    assert priced.coverage == 1.0


def _at_equity(*levels: float) -> LiveBook:
    """Return a book of one unit, moved through prices."""
    held = Holding("A", 1.0, levels[0], Instrument(), price=levels[0])
    book = _book(_start(0.0, holdings=(held,)))
    for second, level in enumerate(levels[1:]):
        book.apply(Tick("A", level, NOON + timedelta(seconds=second)), NOON + timedelta(hours=1))
    return book


def test_falls_and_the_way_back() -> None:
    book = _at_equity(10_000, 12_000, 11_000, 9_000, 10_500)
    told = drawdown(book, book.accounts["P"], NOON + timedelta(hours=1))
    assert told.daily_pct == pytest.approx(12.5)
    assert told.weekly_pct == pytest.approx(12.5)
    assert told.max_pct == pytest.approx(25.0)
    assert told.recovery_pct == pytest.approx(50.0)
    assert (told.standing.peak, told.standing.equity) == (12_000.0, 10_500.0)
    high = _at_equity(10, 9, 11)
    assert drawdown(high, high.accounts["P"], NOON + timedelta(hours=1)).recovery_pct == 100.0


def test_a_withdrawal_is_no_fall_and_a_deposit_no_gain() -> None:
    held = Holding("A", 1.0, 1_000.0, Instrument(), price=1_000.0)
    book = _book(_start(0.0, holdings=(held,), opening=1_000.0))
    book.apply(Tick("A", 900.0, NOON), NOON)
    begun = _start(-450.0, generation=2, holdings=(held,), opening=1_000.0)
    book.begin(begun._replace(flows=-450.0, flows_today=-450.0), NOON)
    told = _now(book)
    # Half of it was taken out at 10 % below the peak; it is still 10 % below.
    assert told.standing.equity == pytest.approx(450.0)
    assert told.daily_drawdown_pct == pytest.approx(10.0)
    assert told.standing.day_peak == pytest.approx(500.0)
    assert told.daily == pytest.approx(-100.0)


def test_a_new_day_begins_at_the_equity_of_its_beginning() -> None:
    book = _at_equity(100, 120, 90)
    midnight = datetime(2026, 6, 4, tzinfo=UTC)
    before = drawdown(book, book.accounts["P"], midnight - timedelta(seconds=1))
    assert before.daily_pct == pytest.approx(25.0)
    book.apply(Tick("A", 81.0, midnight), midnight)
    told = drawdown(book, book.accounts["P"], midnight)
    assert told.daily_pct == pytest.approx(10.0)
    assert told.weekly_pct == pytest.approx(32.5)
    assert _now(book, midnight).daily == pytest.approx(-9.0)
    much_later = midnight + timedelta(days=8)
    aged = drawdown(book, book.accounts["P"], much_later)
    assert aged.daily_pct == aged.weekly_pct == pytest.approx(0.0)
    assert aged.max_pct == pytest.approx(32.5)


def test_a_day_ends_in_the_time_zone_of_the_portfolio() -> None:
    book = LiveBook()
    book.begin(_start(1.0, time_zone="America/New_York"), NOON)
    # Midnight in New York is 04:00 UTC in summer.
    book.turn(datetime(2026, 6, 4, 3, 59, tzinfo=UTC))
    assert book.accounts["P"].today == date(2026, 6, 3)
    book.turn(datetime(2026, 6, 4, 4, 0, tzinfo=UTC))
    assert book.accounts["P"].today == date(2026, 6, 4)


def test_heights_of_the_days_before_and_of_a_book_before_this_one_count() -> None:
    heights = Heights(200.0, 80.0, 0.6, {date(2026, 6, 1): 160.0, date(2026, 5, 20): 190.0})
    book = _book(_start(100.0, opening=125.0, heights=heights))
    told = drawdown(book, book.accounts["P"], NOON)
    assert told.daily_pct == pytest.approx(20.0)
    assert told.weekly_pct == pytest.approx(37.5)
    assert told.max_pct == pytest.approx(60.0)
    assert told.recovery_pct == pytest.approx(100.0 * 20 / 120)
    # Told when the portfolio was worth 50 less, before 50 flowed in: 180 then is 360 now.
    book.apply(PeaksTold("P", NOON, 50.0, -50.0, 150.0, 180.0, 40.0, 0.7), NOON)
    raised = drawdown(book, book.accounts["P"], NOON)
    assert raised.standing.peak == pytest.approx(360.0)
    assert raised.daily_pct == pytest.approx(100 * (300 - 100) / 300)
    assert raised.max_pct == pytest.approx(100 * (360 - 80) / 360)


def test_gains_by_day_week_and_month() -> None:
    realised = {
        date(2026, 5, 31): 1.0,
        date(2026, 6, 1): 2.0,
        date(2026, 6, 2): 4.0,
        date(2026, 6, 3): 8.0,
    }
    closing = _closed("A", Side.SHORT, 1.0, 100.0, 84.0)
    book = _book(_start(0.0, realised=realised), _opened("A", Side.SHORT, 1.0, 100.0), closing)
    told = profit_and_loss(book, book.accounts["P"], NOON)
    assert (told.today, told.week, told.month, told.total) == (24.0, 30.0, 30.0, 31.0)
    assert told.statistics.win_rate_pct == 100.0
    assert told.reasons["profit_factor"] == "no trade has lost"


def test_what_closed_trades_came_to() -> None:
    told = statistics([125.5, 89.75, -45.2, 250.1, -80.0, 0.0])
    assert (told.wins, told.losses, told.flat) == (3, 2, 1)
    assert told.win_rate_pct == 60.0
    assert told.profit_factor == pytest.approx(3.716853, abs=5e-7)
    assert (told.best, told.worst) == (250.1, -80.0)
    nothing = statistics([])
    assert nothing.win_rate_pct is nothing.profit_factor is nothing.best is None
    assert set(nothing.reasons) == {
        "win_rate",
        "profit_factor",
        "best_trade_pnl",
        "worst_trade_pnl",
    }


def test_a_stop_is_told_of_the_portfolio_that_it_names_or_of_all() -> None:
    book = _book(_start())
    book.begin(_start(portfolio_id="Q"), NOON)
    assert book.apply(StopTripped("s1", "Q", "loss", "high", NOON), NOON) == ("Q",)
    assert book.accounts["P"].stop is None
    assert book.apply(StopTripped("s2", "", "halt", "high", NOON), NOON) == ("P", "Q")
    assert _now(book).stop is not None
    assert book.apply(StopTripped("s2", "", "halt", "high", NOON), NOON) == ()


def test_what_is_of_nobody_changes_nothing() -> None:
    book = _book(_start())
    stranger = _opened("A", Side.LONG, 1.0, 1.0)._replace(portfolio_id="X")
    assert book.apply(stranger, NOON) == ()
    assert snapshot(book, "X", NOON) is None


def test_a_price_moves_every_portfolio_that_holds_the_symbol() -> None:
    book = LiveBook()
    for number in range(1, 41):
        held = Holding("A", float(number), 0.0, Instrument(), price=1.0)
        book.begin(_start(1.0, portfolio_id=f"P{number}", holdings=(held,)), NOON)
    touched = book.apply(Tick("A", 3.0, NOON), NOON)
    assert len(touched) == 40
    for number in range(1, 41):
        standing = book.standing(book.accounts[f"P{number}"])
        assert standing.equity == pytest.approx(1.0 + 3.0 * number)


def test_moved_equity_is_what_a_sum_of_all_lines_says() -> None:
    book = _book(_start(), *THREE_TRADES)
    account = book.accounts["P"]
    for step in range(1, 2_000):
        at = NOON + timedelta(milliseconds=step)
        for symbol, price in (("BTC", 42_000.0), ("ETH", 2_680.0), ("SOL", 98.5)):
            book.apply(Tick(symbol, price * (1 + (step * 7919 % 101 - 50) / 1000), at), LATER)
    moved = book.standing(account).equity
    assert moved == pytest.approx(book.settle(account).equity, abs=1e-6)


def test_a_price_of_the_market_says_more_than_a_trade_at_the_same_instant() -> None:
    tick, opening = Tick("A", 105.0, NOON), _opened("A", Side.LONG, 1.0, 100.0)
    for events in ((tick, opening), (opening, tick)):
        assert _now(_book(_start(0.0), *events)).standing.equity == pytest.approx(5.0)
