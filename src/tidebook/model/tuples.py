"""Named tuples made of their values by place, where they are made by the million.

Calling the class sorts its arguments by name first, which takes as long again.
"""

from __future__ import annotations

from typing import Final, Protocol, TypeVar, cast

Named = TypeVar("Named", bound=tuple[object, ...])


class Maker(Protocol):
    """Makes a value of a class from every one of its fields, in the order of the class."""

    def __call__(self, kind: type[Named], values: tuple[object, ...], /) -> Named:
        """Return the value; too few or too many fields are not noticed."""
        ...


made: Final = cast("Maker", tuple.__new__)  # pyright: ignore[reportUnknownMemberType]
