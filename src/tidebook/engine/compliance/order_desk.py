"""The desk that judges orders before they are sent, and keeps the households that it was asked of.

A household is kept as it stands and is used again as long as it stands so: its portfolios, their
books and policies, and the instruments, rates and corporate actions that the books rest on. That
is asked of the store for every check; prices are always those of now. What was not asked of for
longest leaves first.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.engine.compliance.pretrade import check_orders
from tidebook.engine.compliance.standing import StandingHousehold

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from tidebook.engine.compliance.ports import Compliance, Stand
    from tidebook.engine.compliance.pretrade import Order, OrderCheck

FACTS_MAX: Final = 50_000
"""How many facts the households that are kept may rest on together: some 40 MB of them."""
HOUSEHOLDS_MAX: Final = 200
"""How many households are kept at most: a small one takes a quarter of a megabyte."""


class _Kept(NamedTuple):
    """A household and what it rests on."""

    stand: Stand
    household: StandingHousehold


class OrderDesk:
    """Judges orders; one instance serves a whole process and all its threads."""

    def __init__(self, compliance: Compliance, *, facts_max: int = FACTS_MAX) -> None:
        """Read households of ``compliance``, and keep those of at most so many facts together."""
        self._compliance = compliance
        self._facts_max = facts_max
        self._lock = Lock()
        self._kept: OrderedDict[tuple[str, ...], _Kept] = OrderedDict()
        self._facts = 0

    @property
    def facts(self) -> int:
        """How many facts the households that are kept rest on."""
        return self._facts

    def check(
        self, ids: Sequence[str], orders: Sequence[Order], at: datetime
    ) -> tuple[OrderCheck, ...]:
        """Return what the rules would say of orders if they were done at an instant.

        It is what :func:`~tidebook.engine.compliance.pretrade.check_orders` says.

        Args:
            ids: The portfolios that the orders may be for.
            orders: The orders, each after those before it.
            at: When.

        Raises:
            UnknownPortfolioError: When one is for a portfolio outside the household.
            InvalidRequestError: When one has no price and none is known of its security.
        """
        name = tuple(ids)
        securities = {order.security_id for order in orders}
        with self._lock:
            kept = self._kept.get(name)
            if kept is not None:
                self._kept.move_to_end(name)
        looked = self._compliance.look(ids, securities, None if kept is None else kept.stand)
        if kept is not None and not kept.household.serves(at, looked.prices):
            looked = self._compliance.look(ids, securities, None)
        household = looked.household
        if household is not None and looked.stand is not None:
            kept = _Kept(looked.stand, StandingHousehold(household, at))
            self._keep(name, kept)
        if kept is not None and looked.stand is not None:
            given = kept.household.with_market(looked.instruments, looked.prices)
            found = kept.household.check(given, orders, at)
            if found is not None:
                return found
        if household is None:
            household = self._compliance.household(ids, securities)
        return check_orders(household, orders, at)

    def _keep(self, name: tuple[str, ...], kept: _Kept) -> None:
        """Keep a household, and let those go that were not asked of for longest."""
        with self._lock:
            before = self._kept.pop(name, None)
            self._facts += kept.household.size - (0 if before is None else before.household.size)
            self._kept[name] = kept
            while self._kept and (
                self._facts > self._facts_max or len(self._kept) > HOUSEHOLDS_MAX
            ):
                _, gone = self._kept.popitem(last=False)
                self._facts -= gone.household.size
