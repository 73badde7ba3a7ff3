"""What holds for the rules on trades whatever is traded."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from hypothesis import given, strategies as st

from tidebook.compliance.day_trades import CountMethod, DayTradeRecord
from tidebook.compliance.limits import size_after
from tidebook.compliance.trades import Side, Trade
from tidebook.model.money import exact
from tidebook.model.sessions import last_sessions, session_after

DAY = date(2025, 6, 2)
SIDES = st.sampled_from(Side)
UNITS = st.integers(min_value=2, max_value=500)
RUNS = st.lists(st.tuples(SIDES, UNITS, st.sampled_from("XY")), max_size=12)
NIGHT = st.integers(min_value=-300, max_value=300)


def _trades(runs: list[tuple[Side, int, str]], parts: int = 1) -> list[Trade]:
    at = datetime(2025, 6, 2, 14, 30, tzinfo=UTC)
    return [
        Trade(
            f"{place}-{part}",
            "A",
            symbol,
            side,
            Decimal(units // parts + (units % parts if part == 0 else 0)),
            Decimal(9),
            DAY,
            at + timedelta(seconds=place),
        )
        for place, (side, units, symbol) in enumerate(runs)
        for part in range(parts)
    ]


def _record(trades: list[Trade], night: int, method: CountMethod) -> DayTradeRecord:
    record, held = DayTradeRecord(method), {"X": Decimal(night), "Y": Decimal(0)}
    for trade in trades:
        before = held.get(trade.security_id, Decimal(0))
        record.take(trade, before)
        held[trade.security_id] = before + trade.signed
    return record


@given(RUNS, NIGHT)
def test_splitting_orders_into_fills_makes_no_more_day_trades(
    runs: list[tuple[Side, int, str]], night: int
) -> None:
    method = CountMethod.DIRECTION_CHANGE
    whole = _record(_trades(runs), night, method)
    split = _record(_trades(runs, parts=2), night, method)
    assert len(split.made) == len(whole.made)


@given(RUNS, NIGHT, st.sampled_from(CountMethod))
def test_a_day_trade_has_a_purchase_and_a_sale_of_one_security(
    runs: list[tuple[Side, int, str]], night: int, method: CountMethod
) -> None:
    trades = _trades(runs)
    named = {trade.trade_id: trade for trade in trades}
    for one in _record(trades, night, method).made:
        opened, closed = named[one.opened_by[0]], named[one.closed_by]
        assert opened.side is not closed.side
        assert opened.security_id == closed.security_id == one.security_id
        assert trades.index(opened) < trades.index(closed)


@given(RUNS, NIGHT)
def test_a_trade_of_another_month_changes_no_window(
    runs: list[tuple[Side, int, str]], night: int
) -> None:
    far = [
        trade._replace(on=date(2025, 4, 1), trade_id=f"f{i}", security_id="F")
        for i, trade in enumerate(_trades(runs))
    ]
    method = CountMethod.DIRECTION_CHANGE
    alone = _record(_trades(runs), night, method).window(DAY)
    assert _record([*far, *_trades(runs)], night, method).window(DAY) == alone


@given(st.dates(date(1999, 1, 1), date(2035, 1, 1)), st.integers(1, 20))
def test_sessions_are_counted_alike_forwards_and_backwards(day: date, count: int) -> None:
    through = session_after(day, count)
    assert last_sessions(through, count)[0] == session_after(day, 1)


@given(
    st.integers(0, 1000),
    # An option that falls when its underlying rises counts with a negative unit.
    st.integers(-500, 500).filter(bool),
    st.integers(1, 50_000),
    st.integers(1, 100),
)
def test_as_many_units_as_are_said_to_fit_do_fit_and_one_more_does_not(
    held: int, price: int, equity: int, limit_pct: int
) -> None:
    unit, limit = Decimal(price), Decimal(limit_pct)
    with exact():
        value = held * unit
        room = size_after(value, Decimal(0), unit, Decimal(equity), limit).max_additional
        fits = size_after(value, room * unit, unit, Decimal(equity), limit)
        more = size_after(value, (room + 1) * unit, unit, Decimal(equity), limit)
    assert not room.is_signed()
    assert more.is_above
    assert room == 0 or not fits.is_above
