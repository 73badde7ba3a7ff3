from __future__ import annotations

import re
from decimal import Decimal

from tidebook.web import PortfolioPage, PositionRow
from tidebook.web.allocation import splits, undrawn_count


def position(
    security_id: str, value: str | None, currency: str = "USD", asset_class: str | None = None
) -> PositionRow:
    worth = None if value is None else Decimal(value)
    return PositionRow(
        security_id,
        security_id,
        currency,
        Decimal(1),
        worth,
        None,
        "VALUED_CURRENT",
        worth,
        worth,
        None,
        None,
        None,
        asset_class,
    )


def page(positions: list[PositionRow], cash: str | None) -> PortfolioPage:
    known = None if cash is None else Decimal(cash)
    return PortfolioPage(
        *("P", "P", "USD", None, None, 1, "CURRENT", None, None, known),
        *(None, None, None, None, None, None),
        positions=positions,
    )


def test_shares_are_of_holdings_and_cash_together() -> None:
    [split] = splits(page([position("A", "60"), position("B", "30")], "10"))
    assert [(part.name, part.share) for part in split.slices] == [
        ("A", "60.0%"),
        ("B", "30.0%"),
        ("Cash", "10.0%"),
    ]


def test_currencies_and_classes_are_split_when_there_are_several() -> None:
    held = [
        position("A", "50", "USD", "Equity"),
        position("B", "30", "EUR", "Bond"),
        position("C", "20", "EUR", None),
    ]
    found = {split.title: split.slices for split in splits(page(held, None))}
    assert [(p.name, p.share) for p in found["By currency"]] == [("EUR", "50.0%"), ("USD", "50.0%")]
    assert [p.name for p in found["By asset class"]] == ["Equity", "Bond", "Unclassified"]


def test_what_is_short_or_without_a_value_is_counted_and_not_drawn() -> None:
    short = page(
        [position("A", "50"), position("B", "50"), position("C", "-7"), position("D", None)], None
    )
    [split] = splits(short)
    assert [part.name for part in split.slices] == ["A", "B"]
    assert undrawn_count(short) == 2


def test_the_smallest_parts_are_drawn_as_one() -> None:
    held = [position(f"S{number}", str(100 - number)) for number in range(10)]
    [split] = splits(page(held, None))
    assert [part.name for part in split.slices] == [*(f"S{n}" for n in range(7)), "Other (3)"]


def test_the_bar_is_as_long_as_its_parts() -> None:
    [split] = splits(page([position("A", "1"), position("B", "3")], None))
    bars = re.findall(r'<rect class="[^"]*" x="([\d.]+)%" width="([\d.]+)%"', split.bar)
    assert bars == [("0", "75"), ("75", "25")]


def test_one_holding_without_cash_needs_no_bar() -> None:
    assert splits(page([position("A", "1")], None)) == ()
