"""Whole portfolios: several securities, cash legs, a series, gains and the sums of flows."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from tests.truth.areas.event_driven.keeping import assert_amount, facts_of
from tests.truth.areas.event_driven.timeseries import valued
from tests.truth.tolerance import assert_known
from tidebook.book.cashflows import Classification
from tidebook.book.positions import positions
from tidebook.book.valuation import total
from tidebook.model.facts import TransactionType
from tidebook.model.money import ZERO, exact

if TYPE_CHECKING:
    from decimal import Decimal

    from tests.fixtures.booking import Book
    from tests.truth.areas.event_driven.keeping import Facts
    from tests.truth.cases import Content


def check(case: Content) -> None:
    """Compare whichever figures the case states."""
    expected = case["expected"]
    facts = (
        _carried(case["inputs"]) if "price_dates" in case["inputs"] else facts_of(case["inputs"])
    )
    book = facts.book()
    checks = {
        "eod_mv": _check_series,
        "realized": _check_gains,
        "cost_basis_end": _check_costs,
        "valuations": _check_valuations,
    }
    for name, figures in expected.items():
        if isinstance(figures, dict):
            assert_known({name: figures}, set(checks))
            checks[name](facts, book, figures)
    single = {name: figure for name, figure in expected.items() if isinstance(figure, str)}
    if not single:
        return
    found = _summary(facts, book) if "as_of" in case["inputs"] else _one_position(facts, book)
    assert_known(single, set(found))
    for name, figure in single.items():
        assert_amount(found[name], figure, name)


def _check_series(facts: Facts, _book: Book, figures: Content) -> None:
    rows = facts.series([date.fromisoformat(day) for day in figures])
    for row in rows:
        assert_amount(row.eod_market_value, figures[str(row.on)], f"{row.on} eod_mv")
        assert row.unpriced_cost == 0


def _check_gains(_facts: Facts, book: Book, figures: Content) -> None:
    for name, figure in figures.items():
        key, kind = name.rsplit("_", 1)
        found = [e.realised_base for e in book.entries_by_key[key] if e.posting.type == kind]
        assert_amount(sum((gain for gain in found if gain is not None), ZERO), figure, name)


def _check_costs(_facts: Facts, book: Book, figures: Content) -> None:
    for key, figure in figures.items():
        assert_amount(book.holding(key).cost_base, figure, f"{key} cost")


def _check_valuations(facts: Facts, book: Book, figures: Content) -> None:
    for day, written in figures.items():
        valuation = valued(facts, book, "S1", date.fromisoformat(day))
        assert_known(written, {"status", "mv"})
        assert valuation.status == written["status"]
        worth = valuation.value.base if valuation.value else None
        assert_amount(worth, written["mv"], f"{day} mv")


def _carried(inputs: Content) -> Facts:
    """Return the facts of a holding valued on several days by a few prices."""
    bought = {"type": "BUY", "date": inputs["first_holding_date"], "qty": inputs["qty"]}
    prices = [["S1", day, price, "USD"] for day, price in inputs["price_dates"].items()]
    return facts_of({"transactions": [bought], "prices": prices})


def _one_position(facts: Facts, book: Book) -> dict[str, Decimal | None]:
    """Return the figures of the one position of a case on the day of its last price."""
    (key,) = book.entries_by_key
    on = facts.prices[key].days[-1]
    position = positions(book.entries, on)[key]
    value = valued(facts, book, key, on).value
    assert value is not None
    return {
        "qty": position.quantity,
        "realized_local": position.realised_local,
        "realized_base": position.realised_base,
        "cost_local": position.cost_local,
        "cost_base": position.cost_base,
        "mv_local": value.local,
        "mv_base": value.base,
        "ugl_local": value.unrealised_local,
        "ugl_base": value.unrealised_base,
    }


def _summary(facts: Facts, book: Book) -> dict[str, Decimal | None]:
    """Return the sums of a portfolio as of the day of its prices."""
    on = max(quotes.days[-1] for quotes in facts.prices.values())
    held = positions(book.entries, on)
    values = {key: valued(facts, book, key, on).value for key in held}
    assert None not in values.values()
    worth = total([value for value in values.values() if value is not None])
    flows = {kind: _moved(book, kind) for kind in Classification}
    dividends = [
        e.posting.flow_base for e in book.entries if e.posting.type is TransactionType.DIVIDEND
    ]
    transfers = [
        e
        for e in book.entries
        if e.posting.flow and e.posting.flow.classification is Classification.TRANSFER
    ]
    with exact():
        realised = sum((position.realised_base for position in held.values()), ZERO)
        transfers_in = sum((e.posting.flow_base for e in transfers if e.quantity > 0), ZERO)
        transfers_out = sum((e.posting.flow_base for e in transfers if e.quantity < 0), ZERO)
        money_in = flows[Classification.CASHFLOW_IN] + flows[Classification.CASHFLOW_OUT]
        quantities = {f"{key.lower()}_qty": position.quantity for key, position in held.items()}
        return {
            **quantities,
            "cash": held["CASH"].quantity,
            "total_mv": worth.base,
            "realized": realised,
            "unrealized": worth.unrealised_base,
            "deposits": flows[Classification.CASHFLOW_IN],
            "withdrawals": flows[Classification.CASHFLOW_OUT],
            "transfers_in": transfers_in,
            "transfers_out": transfers_out,
            "fees": flows[Classification.EXPENSE],
            "dividends": sum(dividends, ZERO),
            "net_new_money": money_in + transfers_in + transfers_out,
            "total_pnl": realised + worth.unrealised_base,
        }


def _moved(book: Book, kind: Classification) -> Decimal:
    with exact():
        return sum(
            (
                entry.posting.flow_base
                for entry in book.entries
                if entry.posting.flow and entry.posting.flow.classification is kind
            ),
            ZERO,
        )
