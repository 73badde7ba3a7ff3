"""Which securities are substantially identical, and how sure that is.

The law does not define it beyond the security itself and contracts or options to acquire it. What
else is identical, such as two share classes of one fund, the owner of the books decides by putting
securities into a group.
"""

from __future__ import annotations

from collections import defaultdict
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Confidence(StrEnum):
    """How sure a match is."""

    HIGH = "high"
    """The same security, or a contract to acquire it, in the taxpayer's own account."""
    MEDIUM = "medium"
    """A group that the owner of the books formed, or an account of someone related."""


class Replacing(NamedTuple):
    """Securities by which one can be replaced, each with how sure that is."""

    certain: frozenset[str]
    grouped: frozenset[str]

    def confidence(self, security_id: str) -> Confidence:
        """Return how sure it is that a security replaces this one."""
        return Confidence.HIGH if security_id in self.certain else Confidence.MEDIUM


class Families:
    """Names that were joined to each other, directly or not."""

    def __init__(self) -> None:
        """Start with every name alone."""
        self._parents: dict[str, str] = {}

    def of(self, name: str) -> str:
        """Return one name for all that are joined to this one."""
        root = name
        while (parent := self._parents.get(root, root)) != root:
            root = parent
        while (parent := self._parents.get(name, root)) != root:
            self._parents[name] = root
            name = parent
        return root

    def join(self, one: str, other: str) -> None:
        """Let two names, and all that are joined to them, be together."""
        first, second = self.of(one), self.of(other)
        if first != second:
            self._parents[first] = second


class Identity:
    """What is substantially identical to what.

    Groups hold in both directions. A call is a contract to acquire its underlying and replaces it;
    the underlying does not replace the call.
    """

    def __init__(
        self, groups: Mapping[str, str] | None = None, calls: Mapping[str, str] | None = None
    ) -> None:
        """Keep groups and calls.

        Args:
            groups: The group of each security that is in one.
            calls: The underlying of each call, both by security id.
        """
        self._groups = dict(groups or {})
        self._members: dict[str, set[str]] = defaultdict(set)
        for security_id, group in self._groups.items():
            self._members[group].add(security_id)
        self._calls_on: dict[str, set[str]] = defaultdict(set)
        for call, underlying in (calls or {}).items():
            self._calls_on[underlying].add(call)
        self._families = Families()
        for members in (*self._members.values(), *self._calls_on.values()):
            for member in members:
                self._families.join(member, min(members))
        for underlying, contracts in self._calls_on.items():
            self._families.join(min(contracts), underlying)

    def replacing(self, security_id: str) -> Replacing:
        """Return the securities that replace one, itself among them."""
        certain = {security_id, *self._calls_on.get(security_id, ())}
        grouped: set[str] = set()
        for member in self._members.get(self._groups.get(security_id, ""), ()):
            grouped.update((member, *self._calls_on.get(member, ())))
        return Replacing(frozenset(certain), frozenset(grouped - certain))

    def family(self, security_id: str) -> str:
        """Return one name for all securities that could replace each other, directly or not."""
        return self._families.of(security_id)
