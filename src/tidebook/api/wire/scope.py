"""The scope of a measuring request: whose figures, of which part, in which currency, as of when."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, NamedTuple

from tidebook.analytics import FeeBasis
from tidebook.api.rows.reader import Names, RowReader
from tidebook.engine.measuring.parts import Choice

if TYPE_CHECKING:
    from tidebook.api.replies import Json
    from tidebook.api.rows.faults import Faults

NAMED_MAX = 10_000
"""How many portfolios one request may name."""

_CHOICE = ("security_id", "asset_class", "sector", "currency")
_ONE = ("as_of_date", "known_at", "reporting_currency", "net_or_gross", *_CHOICE)
_GROUP = ("portfolio_ids", "client_id", "all")
_SCOPE = Names.of(_ONE)
_SCOPE_OF_SEVERAL = Names.of((*_ONE, *_GROUP, "each"))


class Group(NamedTuple):
    """Several portfolios: those named, those of a client, or all where neither is given.

    ``each`` asks for the figures of each of them instead of those of all together.
    """

    portfolio_ids: tuple[str, ...] | None = None
    client_id: str | None = None
    each: bool = False


class AskedScope(NamedTuple):
    """The scope as it was sent."""

    as_of: date | None
    known_at: datetime | None
    currency: str | None
    basis: FeeBasis
    choice: Choice
    group: Group | None = None


def scope_of(
    body: RowReader, faults: Faults, now: datetime, *, of_several: bool = False
) -> AskedScope:
    """Return the scope of a request; what is wrong with it is added to ``faults``."""
    names = _SCOPE_OF_SEVERAL if of_several else _SCOPE
    scope = RowReader(body.fields("scope"), names, pointer="/scope", faults=faults, now=now)
    currency = scope.currency("reporting_currency") if scope.has("reporting_currency") else None
    return AskedScope(
        as_of=scope.optional_day("as_of_date"),
        known_at=scope.optional_instant("known_at"),
        currency=currency,
        basis=scope.choice("net_or_gross", FeeBasis, FeeBasis.NET),
        choice=Choice(*(scope.optional_text(name) for name in _CHOICE)),
        group=_group(scope) if of_several else None,
    )


def _group(scope: RowReader) -> Group:
    everyone = scope.flag("all")
    given = [name for name in _GROUP[:2] if scope.has(name)] + ["all"] * everyone
    if len(given) != 1:
        scope.fault(
            given[-1] if given else "portfolio_ids",
            "scope.portfolios",
            f"{' and '.join(given) or 'nothing'} says which portfolios are meant; send one of "
            "portfolio_ids, client_id, or all as true",
        )
    ids = tuple(dict.fromkeys(_ids(scope))) if scope.has("portfolio_ids") else None
    return Group(ids, scope.optional_text("client_id"), scope.flag("each"))


def _ids(scope: RowReader) -> list[str]:
    rows = scope.rows("portfolio_ids")
    ids = [one for one in rows if isinstance(one, str) and one]
    if len(ids) != len(rows) or not 1 <= len(rows) <= NAMED_MAX:
        scope.fault(
            "portfolio_ids",
            "scope.portfolio-ids",
            f"it must hold 1 to {NAMED_MAX} portfolio ids, each as text",
        )
    return ids


def refuse_each(scope: AskedScope, faults: Faults) -> None:
    """Refuse to tell of each portfolio by itself what is told of all together alone."""
    if scope.group is not None and scope.group.each:
        faults.add(
            "/scope/each",
            "each.not-here",
            "only time-weighted returns are told of each portfolio; leave it out, or ask for one",
        )


def choice_json(choice: Choice) -> Json:
    """Return the conditions that are set."""
    return {name: word for name, word in choice._asdict().items() if word is not None}
