"""Which keys are folded together: those that carry to each other, and those that share a pool."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

Key = tuple[str, str]
"""Portfolio id and security id."""


class Groups:
    """Keys, joined into groups."""

    def __init__(self) -> None:
        """Begin with every key alone."""
        self._parents: dict[Key, Key] = {}

    def join(self, one: Key, other: Key) -> None:
        """Have two keys, and all that are joined to either, folded together."""
        first, second = self._root(one), self._root(other)
        if first != second:
            self._parents[max(first, second)] = min(first, second)

    def _root(self, key: Key) -> Key:
        parents = self._parents
        root = key
        while (parent := parents.setdefault(root, root)) != root:
            root = parent
        while (parent := parents[key]) != root:
            parents[key], key = root, parent
        return root

    def joined(self, key: Key) -> bool:
        """Tell whether a key was ever joined to any."""
        return key in self._parents

    def of(self, keys: Iterable[Key]) -> list[list[Key]]:
        """Return keys in their groups, in order."""
        found: dict[Key, list[Key]] = {}
        for key in keys:
            found.setdefault(self._root(key) if key in self._parents else key, []).append(key)
        return list(found.values())

    def are_joined(self, one: Key, other: Key) -> bool:
        """Tell whether two keys are joined, over others or at once."""
        known = one in self._parents and other in self._parents
        return known and self._root(one) == self._root(other)

    def members(self, key: Key) -> list[Key]:
        """Return all the keys that are joined to one, itself among them."""
        if key not in self._parents:
            return [key]
        root = self._root(key)
        return [other for other in list(self._parents) if self._root(other) == root]
