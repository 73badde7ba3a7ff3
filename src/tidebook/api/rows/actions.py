"""One row of a request to a corporate action, under the terms of its type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.model.actions import AT, ActionType, CorporateAction
from tidebook.model.instruments import built_in_instrument
from tidebook.model.money import ONE, ZERO

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from decimal import Decimal

    from tidebook.api.rows.reader import RowReader


class ActionTerms(NamedTuple):
    """Which fields an action of one type needs, and which it may have besides."""

    needs: frozenset[str]
    takes: frozenset[str] = frozenset()


def _terms(needs: str, takes: str = "") -> ActionTerms:
    return ActionTerms(frozenset(needs.split()), frozenset(takes.split()))


TERMS: Final[Mapping[ActionType, ActionTerms]] = {
    ActionType.SPLIT: _terms("new_units", "old_units"),
    ActionType.STOCK_DIVIDEND: _terms("new_units", "old_units"),
    ActionType.SPIN_OFF: _terms("new_units to_security_id cost_fraction", "old_units"),
    ActionType.RIGHTS_ISSUE: _terms("new_units to_security_id", "old_units cost_fraction"),
    ActionType.MERGER: _terms(
        "", "new_units old_units to_security_id cost_fraction cash_per_unit cash_currency"
    ),
    ActionType.IDENTIFIER_CHANGE: _terms("to_security_id"),
    ActionType.RETURN_OF_CAPITAL: _terms("cash_per_unit", "cash_currency"),
}
"""The terms of every type; what cash and a merger need besides depends on what else is given."""
_DEPENDING: Final = (
    *("new_units", "old_units", "to_security_id"),
    *("cost_fraction", "cash_per_unit", "cash_currency"),
)
"""The fields that belong to some types only."""


def action_of(row: RowReader) -> CorporateAction:
    """Return the action of a row."""
    kind = row.word("action_type", ActionType, ActionType.SPLIT)
    security_id = row.identifier("security_id")
    if row.is_sound("action_type"):
        _belongs(row, kind)
    action = CorporateAction(
        action_id=_action_id(row),
        type=kind,
        security_id=security_id,
        ex_date=_ex_date(row),
        new_units=row.positive("new_units", default=ONE),
        old_units=row.positive("old_units", default=ONE),
        to_security_id=row.identifier("to_security_id", default=""),
        cost_fraction=_fraction(row),
        cash_per_unit=row.positive("cash_per_unit") if row.has("cash_per_unit") else ZERO,
        cash_currency=row.currency("cash_currency") if row.has("cash_currency") else "",
        portfolio_id=row.identifier("portfolio_id", default=""),
        note=row.text("note"),
    )
    if action.to_security_id and action.to_security_id == security_id:
        row.fault(
            "to_security_id",
            "security.to-itself",
            f"it is the security that the {kind} acts on; name the one that it leads to",
        )
    for name, named in (("security_id", security_id), ("to_security_id", action.to_security_id)):
        if built_in_instrument(named, "") is not None:
            row.fault(
                name,
                "security.cash",
                f"{named} is cash, and a {kind} acts on a security and leads to one; name it, or "
                "send what was paid as cash_per_unit",
            )
    if row.has("cash_per_unit") != row.has("cash_currency") and row.is_sound("action_type"):
        _half_of_cash(row)
    if kind is ActionType.MERGER and row.is_sound("action_type"):
        _is_whole_merger(row)
    return action


def _action_id(row: RowReader) -> str:
    action_id = row.identifier("action_id")
    if AT in action_id:
        row.fault(
            "action_id",
            "id.unusable",
            f"it holds {AT!r}, which parts an action from a portfolio where it is applied; take "
            "it out",
        )
    return action_id


def _ex_date(row: RowReader) -> date:
    return row.day("ex_date", future=False)


def _fraction(row: RowReader) -> Decimal | None:
    return row.fraction("cost_fraction") if row.has("cost_fraction") else None


def _belongs(row: RowReader, kind: ActionType) -> None:
    """Keep a fault for each field that the type needs and lacks, or has and cannot."""
    terms = TERMS[kind]
    for name in _DEPENDING:
        if name in terms.needs and not row.has(name):
            row.fault(name, "field.missing", f"a {kind} needs it, and it was not given; send it")
        elif row.has(name) and name not in terms.needs | terms.takes:
            takers = ", ".join(k for k, t in TERMS.items() if name in t.needs | t.takes)
            row.fault(
                name,
                "field.unexpected",
                f"a {kind} has none: it belongs to {takers}; leave it out, or correct the type",
            )


def _half_of_cash(row: RowReader) -> None:
    lacking = "cash_currency" if row.has("cash_per_unit") else "cash_per_unit"
    if row.is_sound("cash_per_unit", "cash_currency"):
        row.fault(
            lacking,
            "field.missing",
            "cash is an amount per unit and its currency, and this was not given; send both",
        )


def _is_whole_merger(row: RowReader) -> None:
    """Keep a fault for a merger that does not say what the holding ends for."""
    has_stock, has_cash = row.has("to_security_id"), row.has("cash_per_unit")
    if not has_stock and (row.has("new_units") or row.has("old_units")):
        row.fault(
            "to_security_id",
            "field.missing",
            "the units that a MERGER gives are those of another security; send its id",
        )
    elif not has_stock and not has_cash and row.is_sound("cash_per_unit"):
        row.fault(
            "to_security_id",
            "field.missing",
            "a MERGER ends a holding for units, for cash or for both; send to_security_id with "
            "new_units, or cash_per_unit with cash_currency",
        )
    if has_stock and not row.has("new_units"):
        row.fault(
            "new_units", "field.missing", "a MERGER for units says how many for old_units held"
        )
    if has_stock and has_cash and not row.has("cost_fraction"):
        row.fault(
            "cost_fraction",
            "field.missing",
            "a MERGER for units and cash parts the cost between them; send the part, from 0 to 1, "
            "that goes to the units",
        )
    if row.has("cost_fraction") and not (has_stock and has_cash):
        row.fault(
            "cost_fraction",
            "field.unexpected",
            "only a MERGER for units and cash parts the cost; leave it out",
        )
