"""Corporate actions: what an issuer does to everyone who holds a security.

An action is one fact. It reaches every portfolio that holds the security when its ex-date begins,
or one portfolio only where it names it, and it is corrected and cancelled like any other fact.
"""

from __future__ import annotations

from enum import StrEnum
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

from tidebook.model.facts import TransactionType
from tidebook.model.markets import Split
from tidebook.model.money import ONE, ZERO, decimal_text, exact

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from decimal import Decimal


AT = "@"
"""What stands between the two ids in an applied id; an action id never holds it."""


class ActionType(StrEnum):
    """What an action does to a holding."""

    SPLIT = "SPLIT"
    """``new_units`` for ``old_units`` held: 2 for 1, or 1 for 10 in a reverse split."""
    STOCK_DIVIDEND = "STOCK_DIVIDEND"
    """``new_units`` more for every ``old_units`` held, at no cost."""
    SPIN_OFF = "SPIN_OFF"
    """``new_units`` of another security for ``old_units`` held, with a part of the cost."""
    RIGHTS_ISSUE = "RIGHTS_ISSUE"
    """``new_units`` rights for ``old_units`` held, with a part of the cost, usually none."""
    MERGER = "MERGER"
    """The holding ends for units of another security, for cash, or for both."""
    IDENTIFIER_CHANGE = "IDENTIFIER_CHANGE"
    """The same holding under another security id."""
    RETURN_OF_CAPITAL = "RETURN_OF_CAPITAL"
    """``cash_per_unit`` lowers the cost; what exceeds the cost is a gain."""


def event_type(name: str) -> TransactionType | ActionType:
    """Return the type of a booked event: a transaction's, or an action's.

    Raises:
        ValueError: When no type has this name.
    """
    known = _TRANSACTION_TYPES.get(name)
    return ActionType(name) if known is None else known


_TRANSACTION_TYPES = {each.value: each for each in TransactionType}


class CorporateAction(NamedTuple):
    """One action on one security.

    ``cost_fraction`` is the part of each lot's cost that goes to ``to_security_id``; None takes
    what the type implies (none of it for rights, all of it where no cash is paid). Cash is
    ``cash_per_unit`` held, in ``cash_currency``. An empty ``portfolio_id`` means everyone.
    """

    action_id: str
    type: ActionType
    security_id: str
    ex_date: date
    new_units: Decimal = ONE
    old_units: Decimal = ONE
    to_security_id: str = ""
    cost_fraction: Decimal | None = None
    cash_per_unit: Decimal = ZERO
    cash_currency: str = ""
    portfolio_id: str = ""
    note: str = ""

    @property
    def moves_lots(self) -> bool:
        """Whether units of another security come of it."""
        return bool(self.to_security_id)

    @property
    def split(self) -> Split | None:
        """What it does to a price that is older; None where units stay what they are.

        What one portfolio alone is subject to says nothing of the units that others quote.
        """
        new, old = self.new_units, self.old_units
        if self.portfolio_id or new <= ZERO or old <= ZERO:
            return None
        match self.type:
            case ActionType.SPLIT:
                return Split(self.ex_date, new, old, self.action_id)
            case ActionType.STOCK_DIVIDEND:
                with exact():
                    return Split(self.ex_date, old + new, old, self.action_id)
            case (
                ActionType.SPIN_OFF
                | ActionType.RIGHTS_ISSUE
                | ActionType.MERGER
                | ActionType.IDENTIFIER_CHANGE
                | ActionType.RETURN_OF_CAPITAL
            ):
                return None


class ActionTable:
    """Every corporate action in force, found by the security it acts on or leads to."""

    def __init__(self, actions: tuple[CorporateAction, ...] = ()) -> None:
        """Keep the actions by security."""
        self._by_security: dict[str, list[CorporateAction]] = {}
        self._by_id = {action.action_id: action for action in actions}
        self._splits: dict[str, tuple[Split, ...]] = {}
        for action in sorted(actions, key=lambda action: (action.ex_date, action.action_id)):
            self._by_security.setdefault(action.security_id, []).append(action)
            if action.moves_lots and action.to_security_id != action.security_id:
                self._by_security.setdefault(action.to_security_id, []).append(action)
            if (split := action.split) is not None:
                self._splits[action.security_id] = (*self.splits(action.security_id), split)

    def touching(self, portfolio_id: str, security_id: str) -> list[CorporateAction]:
        """Return the actions that act on a key or lead to it, in order of their ex-dates."""
        known = self._by_security.get(security_id)
        if not known:
            return []
        return [action for action in known if action.portfolio_id in {"", portfolio_id}]

    def splits(self, security_id: str) -> tuple[Split, ...]:
        """Return what older prices of a security are carried over, in order of the ex-dates."""
        return self._splits.get(security_id, ())

    def applied(self, applied_id: str, portfolio_id: str) -> CorporateAction | None:
        """Return the action that is booked under an id in a portfolio; None where there is none."""
        action = self._by_id.get(applied_id.partition(AT)[0])
        return action if action and action.portfolio_id in {"", portfolio_id} else None

    def __iter__(self) -> Iterator[CorporateAction]:
        """Give every action once, by id."""
        return iter([self._by_id[identity] for identity in sorted(self._by_id)])

    def __bool__(self) -> bool:
        """Tell whether there are any."""
        return bool(self._by_security)


def applied_id(action_id: str, portfolio_id: str) -> str:
    """Return the id under which an action is booked in one portfolio."""
    return f"{action_id}{AT}{portfolio_id}"


def action_hash(action: CorporateAction) -> str:
    """Return 32 hex digits that are equal for equal content and differ otherwise."""
    parts = [repr(str(value)) for value in action[:4]]
    parts += [decimal_text(action.new_units), decimal_text(action.old_units)]
    parts.append(repr(action.to_security_id))
    parts.append("" if action.cost_fraction is None else decimal_text(action.cost_fraction))
    parts.append(decimal_text(action.cash_per_unit))
    parts += [repr(value) for value in action[9:]]
    return blake2b("\x1f".join(parts).encode(), digest_size=16).hexdigest()
