"""What late, repeated and corrected facts come to.

Every case is played in its order of arrival: through admission, then ledger, lots and series.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tests.truth.areas.event_driven.keeping import assert_amount, facts_of
from tests.truth.cases import OWN_FOLDER, read_cases
from tests.truth.tolerance import assert_known
from tidebook.book.positions import positions
from tidebook.engine.stages.admission import Incoming, admit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.truth.areas.event_driven.keeping import Facts
    from tests.truth.cases import Content
    from tidebook.model.facts import Transaction


def check(case: Content) -> None:
    """Find what the case states by what it states, and play it."""
    inputs, expected = case["inputs"], case["expected"]
    for applies, play in PLAYS:
        if applies <= set(inputs):
            play(inputs, expected)
            return
    raise AssertionError(f"nothing plays a case of {sorted(inputs)}")


def admitted(arrivals: Sequence[Transaction]) -> tuple[Transaction, ...]:
    """Return the facts that count after all have arrived."""
    current = admit([Incoming(fact, "") for fact in arrivals], {}).current
    return tuple(found.transaction for found in current.values())


def _two_keys(inputs: Content, expected: Content) -> None:
    """Each key counts in the portfolio, however often its own history was restated."""
    assert_known(expected, {"portfolio_eod_mv"})
    written = [
        {"type": "BUY", "date": "2025-01-02", "security": p["security"], "qty": "1"}
        for p in inputs["positions"]
    ]
    prices = [[p["security"], "2025-01-02", p["mv"], "USD"] for p in inputs["positions"]]
    (row,) = facts_of({"transactions": written, "prices": prices}).series([date(2025, 1, 2)])
    assert_amount(row.eod_market_value, expected["portfolio_eod_mv"], "portfolio_eod_mv")


def _corrected_price(inputs: Content, expected: Content) -> None:
    """The price that arrived last for a day is the day's price."""
    assert_known(expected, {"mv"})
    bought = {"type": "BUY", "date": inputs["date"], "qty": inputs["qty"]}
    prices = [["S1", inputs["date"], inputs[name], "USD"] for name in ("old_price", "new_price")]
    facts = facts_of({"transactions": [bought], "prices": prices})
    (row,) = facts.series([date.fromisoformat(inputs["date"])])
    assert_amount(row.eod_market_value, expected["mv"], "mv")


def _amendment(inputs: Content, expected: Content) -> None:
    """The same id with other content is the next version, and its quantity is what is held."""
    assert_known(expected, {"any_of"})
    versions = [
        {"type": "BUY", "date": "2025-01-02", **inputs[name]} for name in ("first", "second")
    ]
    facts = facts_of({"transactions": versions})
    found = admit([Incoming(fact, "") for fact in facts.transactions], {})
    (current,) = found.current.values()
    assert (current.version, found.duplicates) == (2, 0)
    book = facts._replace(transactions=(current.transaction,)).book()
    assert book.holding("S1").quantity == Decimal(inputs["second"]["qty"])


def _late_trades(inputs: Content, expected: Content) -> None:
    """Whatever arrived late, each day and each gain is as if everything had come in order."""
    if isinstance(inputs.get("price"), str):
        first = min(content["date"] for content in inputs["transactions"])
        inputs = {**inputs, "price": ["S1", first, inputs["price"], "USD"]}
    arrived = facts_of(inputs)
    facts = arrived._replace(transactions=admitted(arrived.transactions))
    book = facts.book()
    for name, figure in expected.items():
        if name == "portfolio_eod_mv":
            for row in facts.series([date.fromisoformat(day) for day in figure]):
                assert_amount(row.eod_market_value, figure[str(row.on)], f"{row.on} eod_mv")
        elif name.startswith("snapshot_"):
            on = date.fromisoformat(name.removeprefix("snapshot_").replace("_", "-"))
            _check_snapshot(facts, on, figure)
        elif name.startswith("realized_"):
            gain = book.entry(name.removeprefix("realized_")).realised_base
            assert_amount(gain, figure, name)
        else:
            key = name.removeprefix("cost_basis_")
            assert key in book.entries_by_key, f"nothing checks {name}"
            assert_amount(book.holding(key).cost_base, figure, name)


def _check_snapshot(facts: Facts, on: date, written: Content) -> None:
    assert_known(written, {"qty", "mv"})
    quantity = positions(facts.book().entries, on)["S1"].quantity
    assert_amount(quantity, written["qty"], f"{on} qty")
    (row,) = facts.series([on])
    assert_amount(row.eod_market_value, written["mv"], f"{on} mv")


def _repeated(_inputs: Content, expected: Content) -> None:
    """Every message twice, in two interleavings, is the same book as every message once."""
    assert_known(expected, {"rule"})
    (case,) = (found for found in read_cases(OWN_FOLDER) if found.id == "pipe-01")
    once = facts_of(case.content["inputs"])
    by_key = sorted(once.transactions, key=lambda fact: fact.security_id)
    for repeated in (
        [fact for fact in once.transactions for _ in range(2)],
        [*reversed(once.transactions), *by_key],
    ):
        found = admit([Incoming(fact, "") for fact in repeated], {})
        assert found.duplicates == len(once.transactions)
        again = once._replace(transactions=admitted(repeated))
        assert again.book() == once.book()
        days = once.prices["CASH_USD"].days
        assert again.series(days) == once.series(days)


# The first play whose inputs all are there is the one.
PLAYS: tuple[tuple[set[str], Callable[[Any, Any], None]], ...] = (
    ({"positions"}, _two_keys),
    ({"transactions"}, _late_trades),
    ({"old_price", "new_price"}, _corrected_price),
    ({"first", "second"}, _amendment),
    ({"action"}, _repeated),
)
