"""What was asked of the routes that take a body, of whose answers a figure is explained."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date, datetime

    from tidebook.analytics import FeeBasis, Linking
    from tidebook.engine.compliance.pretrade import Order
    from tidebook.engine.measuring.attributing import BenchmarkGroup, Terms
    from tidebook.engine.measuring.measured import Measured, Scope
    from tidebook.engine.measuring.parts import Dimension
    from tidebook.engine.measuring.performance import NamedPeriod


class AskedParts(NamedTuple):
    """A request for contributions or for an attribution, of which one period is explained.

    ``as_of`` gives the last day of what was measured; ``benchmark`` its groups, none of a
    contribution.
    """

    scope: Scope
    period: NamedPeriod
    basis: FeeBasis
    as_of: Callable[[Measured], date]
    dimension: Dimension
    linking: Linking
    terms: Terms | None = None
    benchmark: Callable[[Measured], Sequence[BenchmarkGroup]] | None = None


class AskedOrders(NamedTuple):
    """Orders to be judged, at which instant, and the portfolios of the user that sends them."""

    portfolio_ids: tuple[str, ...]
    orders: tuple[Order, ...]
    still_open: tuple[Order, ...]
    at: datetime
