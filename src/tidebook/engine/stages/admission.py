"""Admission: is a transaction new, a duplicate, or an amendment?"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.book.events import awaited
from tidebook.engine.store import FactRow
from tidebook.model.facts import TransactionType, cancelled, content_hash

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from tidebook.book.postings import Posted
    from tidebook.engine.store import StoredFact, Unit
    from tidebook.model.facts import Transaction


NOTHING_SAID: Final[Mapping[str, Transaction]] = MappingProxyType({})


class Incoming(NamedTuple):
    """A transaction as it came off the log, and the request that brought it."""

    transaction: Transaction
    correlation_id: str


class Admitted(NamedTuple):
    """One version of a transaction that is neither known nor overtaken in its own batch."""

    transaction: Transaction
    version: int
    content_hash: str
    correlation_id: str


class Admission(NamedTuple):
    """What a batch brings: versions to book, versions overtaken at once, what they replace."""

    current: dict[str, Admitted]
    overtaken: tuple[Admitted, ...]
    replaced: dict[str, StoredFact]
    duplicates: int


def cancelled_contents(
    unit: Unit, incoming: Iterable[Incoming], known: Mapping[str, StoredFact]
) -> dict[str, Transaction]:
    """Return what those known transactions say that a batch cancels."""
    named = {
        one.transaction.transaction_id
        for one in incoming
        if one.transaction.type is TransactionType.CANCELLED
    }
    ids = named & known.keys()
    return unit.contents(ids) if ids else {}


def admit(
    incoming: Iterable[Incoming],
    known: Mapping[str, StoredFact],
    contents: Mapping[str, Transaction] = NOTHING_SAID,
) -> Admission:
    """Decide what each transaction is, by id and content, in the order of the log.

    The same id with the same content is a duplicate and does nothing. The same id with other
    content is the next version; of several in one batch the last one counts, and the others are
    kept as versions that were overtaken at once. A batch that comes back to what is stored, as one
    does that is delivered again, changes nothing.

    A cancellation repeats what the version before it said, so that it is still found by its
    portfolio, security and dates; of a transaction that was never known it says only the id.

    Args:
        incoming: The transactions.
        known: The current versions of those that are known.
        contents: What the known ones say that are cancelled here.
    """
    current: dict[str, Admitted] = {}
    overtaken: list[Admitted] = []
    duplicates = 0
    for transaction, correlation_id in incoming:
        identity = transaction.transaction_id
        digest = content_hash(transaction)
        earlier = current.get(identity)
        stored = known.get(identity)
        last = earlier or stored
        if transaction.type is TransactionType.CANCELLED:
            said = earlier.transaction if earlier else contents.get(identity)
            transaction = transaction if said is None else cancelled(said)  # noqa: PLW2901
        if last is not None and last.content_hash == digest:
            duplicates += 1
            continue
        if earlier is not None:
            overtaken.append(earlier)
        version = last.version + 1 if last is not None else 1
        current[identity] = Admitted(transaction, version, digest, correlation_id)
    unchanged = {
        identity
        for identity, last in current.items()
        if identity in known and known[identity].content_hash == last.content_hash
    }
    kept = tuple(each for each in overtaken if each.transaction.transaction_id not in unchanged)
    duplicates += len(unchanged) + len(overtaken) - len(kept)
    current = {identity: last for identity, last in current.items() if identity not in unchanged}
    replaced = {identity: known[identity] for identity in current if identity in known}
    return Admission(current, kept, replaced, duplicates)


def fact_row(
    admitted: Admitted, on: date, posted: Posted | None, *, superseded: bool = False
) -> FactRow:
    """Return the row of an admitted version; ``posted`` is None while its portfolio is unknown."""
    fact = admitted.transaction
    return FactRow(
        fact,
        admitted.version,
        admitted.content_hash,
        on,
        posted.main_security_id if posted else fact.security_id,
        posted.cash_security_id if posted else None,
        admitted.correlation_id,
        superseded,
        posted.arrival if posted else awaited(fact),
    )
