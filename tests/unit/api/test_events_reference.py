"""The reference of events lists every type, and asks of each what the doors ask."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from tidebook.api.rows.actions import TERMS as ACTION_TERMS
from tidebook.api.rows.cancellations import NAMED_BY
from tidebook.api.rows.transaction_types import TERMS, Term
from tidebook.model.portfolios import CostMethod

if TYPE_CHECKING:
    from collections.abc import Sequence

REFERENCE = (Path(__file__).parents[3] / "docs" / "reference" / "events.md").read_text("utf-8")
QUANTITY = {"needed": Term.POSITIVE, "optional": Term.OPTIONAL, "none": Term.NONE}
PRICE = {"needed": Term.GIVEN, "optional": Term.OPTIONAL, "above 0": Term.POSITIVE}
AMOUNT = {"above 0": Term.POSITIVE, "optional": Term.OPTIONAL, "none": Term.NONE}


def table(first: str) -> dict[str, Sequence[str]]:
    """Return the rows of the table whose first heading is given, by their first cell."""
    text = REFERENCE.partition(f"\n| {first} |")[2].partition("\n\n")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()[2:]]
    return {row[0].strip("`"): row[1:] for row in rows}


def words(cell: str) -> frozenset[str]:
    return frozenset(re.findall(r"`(\w+)`", cell))


def test_every_transaction_type_is_described_as_the_doors_take_it() -> None:
    described = {
        name: (QUANTITY[quantity], PRICE[price], AMOUNT[amount])
        for name, (quantity, price, amount, *_) in table("type | quantity").items()
    }
    assert described == {
        kind.value: (terms.units, terms.price, terms.gross) for kind, terms in TERMS.items()
    }


def test_every_type_says_what_it_does() -> None:
    for rows in (table("type | quantity"), table("type | needs")):
        assert all(len(row[-1]) > len("income") - 1 for row in rows.values())


def test_the_types_that_choose_lots_are_listed() -> None:
    listed = REFERENCE.partition("They may stand with `")[2].partition("`")[0].split()
    assert set(listed) == {kind.value for kind, terms in TERMS.items() if terms.takes_lots}


def test_every_action_type_is_described_as_its_door_takes_it() -> None:
    described = {
        name: (words(needs), words(takes))
        for name, (needs, takes, _) in table("type | needs").items()
    }
    stated = {kind.value: (terms.needs, terms.takes) for kind, terms in ACTION_TERMS.items()}
    # Cash is an amount and its currency: the door asks for the one where it has the other.
    needs, takes = stated["RETURN_OF_CAPITAL"]
    stated["RETURN_OF_CAPITAL"] = (needs | takes, frozenset())
    assert described == stated


def test_every_method_and_every_kind_of_cancellation_is_described() -> None:
    assert set(table("method")) == set(CostMethod)
    assert {name: words(row[0]) for name, row in table("kind").items()} == {
        kind.value: frozenset(names) for kind, names in NAMED_BY.items()
    }
