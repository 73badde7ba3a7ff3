"""Cancellations looked up in the book: the portfolios of transactions, and what is unknown."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tidebook.model.cancellations import TransactionRef

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tidebook.engine.ports import Reader
    from tidebook.model.cancellations import Cancellation


class Located(NamedTuple):
    """Cancellations with their portfolios, in order, and the places of those that have none."""

    cancellations: tuple[Cancellation, ...]
    unknown: tuple[int, ...]


def locate(reader: Reader, cancellations: Sequence[Cancellation]) -> Located:
    """Return cancellations with the portfolios of their transactions filled in.

    A transaction without a portfolio that the book does not know keeps an empty one and is counted
    among the unknown: its cancellation has no place in the log. So are facts of other kinds that
    were never known. A transaction that comes with its portfolio is not looked up.
    """
    found: list[Cancellation] = []
    unknown: list[int] = []
    for place, cancelled in enumerate(cancellations):
        if not isinstance(cancelled, TransactionRef) or cancelled.portfolio_id:
            found.append(cancelled)
            continue
        view = reader.transaction(cancelled.transaction_id)
        if view is None:
            unknown.append(place)
            found.append(cancelled)
        else:
            found.append(cancelled._replace(portfolio_id=view.transaction.portfolio_id))
    unknown += reader.unknown(cancellations)
    return Located(tuple(found), tuple(sorted(unknown)))
