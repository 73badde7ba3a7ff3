"""Rows and columns: every list of the client is a table of frozen rows.

Rows keep every digit. As numpy, and as a pandas frame, amounts are float64, for neither has a
decimal; a polars frame and an Arrow table hold decimals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from importlib import import_module
from types import UnionType
from typing import (
    TYPE_CHECKING,
    Any,
    Final,
    Generic,
    NamedTuple,
    TypeVar,
    get_args,
    get_type_hints,
    overload,
)

import numpy as np

from tidebook.errors import MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import ModuleType

    from numpy.typing import NDArray


Row_co = TypeVar("Row_co", covariant=True)

_DIGITS: Final = 38
_DEFAULT_SCALE: Final = 18


class Kind(StrEnum):
    """What a column holds."""

    TEXT = "text"
    AMOUNT = "amount"
    NUMBER = "number"
    COUNT = "count"
    DAY = "day"
    INSTANT = "instant"


_KINDS: Final[Mapping[object, Kind]] = {
    str: Kind.TEXT,
    Decimal: Kind.AMOUNT,
    float: Kind.NUMBER,
    int: Kind.COUNT,
    date: Kind.DAY,
    datetime: Kind.INSTANT,
}


@cache
def kinds_of(row: Callable[..., object]) -> Mapping[str, Kind]:
    """Return what each field of a class of rows holds; fields of other types are left out."""
    found: dict[str, Kind] = {}
    for name, hint in get_type_hints(row).items():
        either = get_args(hint) if isinstance(hint, UnionType) else (hint,)
        kind = next((_KINDS[one] for one in either if one in _KINDS), None)
        if kind is not None:
            found[name] = kind
    return found


def row_of(row: Callable[..., Row_co], fields: Mapping[str, object]) -> Row_co:
    """Return a row from the fields of an answer; a field that is not there is None."""
    return row(**{name: _read(kind, fields.get(name)) for name, kind in kinds_of(row).items()})


_READERS: Final[Mapping[Kind, Callable[[Any], object]]] = {
    Kind.TEXT: str,
    Kind.AMOUNT: lambda value: Decimal(str(value)),
    Kind.NUMBER: float,
    Kind.COUNT: int,
    Kind.DAY: date.fromisoformat,
    Kind.INSTANT: datetime.fromisoformat,
}


def _read(kind: Kind, value: Any) -> object:  # noqa: ANN401 - a JSON value
    return None if value is None else _READERS[kind](value)


class Freshness(NamedTuple):
    """What an answer rests on: as of when, known when, of which state of the book."""

    as_of: date | None
    known_at: datetime | None
    generation: int | None
    series_generation: int | None
    valuation_version: int | None
    status: str | None
    coverage: Decimal | None
    """The part of the value that was priced, where values are told."""


@dataclass(frozen=True, slots=True, repr=False)
class Table(Sequence[Row_co], Generic[Row_co]):
    """Rows of one kind, with what they rest on."""

    row: Callable[..., Row_co]
    """The class of the rows."""
    rows: tuple[Row_co, ...]
    freshness: Freshness | None = None
    """None where the answer rests on no single portfolio."""

    def __repr__(self) -> str:
        """Return what it is and how long; a notebook would print thousands of rows."""
        return f"<Table of {len(self.rows):,} {getattr(self.row, '__name__', 'row')}>"

    def __len__(self) -> int:
        """Return how many rows there are."""
        return len(self.rows)

    def __iter__(self) -> Iterator[Row_co]:
        """Iterate over the rows."""
        return iter(self.rows)

    @overload
    def __getitem__(self, place: int) -> Row_co: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Row_co]: ...
    def __getitem__(self, place: int | slice) -> Row_co | Sequence[Row_co]:
        """Return a row, or several."""
        return self.rows[place]

    @property
    def columns(self) -> Mapping[str, NDArray[Any]]:
        """The columns as arrays: float64, int64, datetime64, or objects for text.

        What is None is NaN or NaT; a count of which one is None becomes float64.
        """
        return {name: _array(kind, self._values(name)) for name, kind in self._kinds()}

    def to_polars(self) -> Any:  # noqa: ANN401 - a class of an extra
        """Return a polars frame, amounts as decimals.

        Raises:
            MissingExtraError: If the extra ``polars`` is not installed.
        """
        polars: Any = _extra("polars")
        types = {
            Kind.TEXT: polars.String,
            Kind.NUMBER: polars.Float64,
            Kind.COUNT: polars.Int64,
            Kind.DAY: polars.Date,
            Kind.INSTANT: polars.Datetime("us", "UTC"),
        }
        return polars.DataFrame(
            [
                polars.Series(
                    name,
                    self._values(name),
                    dtype=polars.Decimal(_DIGITS, _scale(self._values(name)))
                    if kind is Kind.AMOUNT
                    else types[kind],
                )
                for name, kind in self._kinds()
            ]
        )

    def to_pandas(self) -> Any:  # noqa: ANN401 - as above
        """Return a pandas frame of :attr:`columns`.

        Raises:
            MissingExtraError: If the extra ``pandas`` is not installed.
        """
        pandas: Any = _extra("pandas")
        return pandas.DataFrame(self.columns)

    def to_arrow(self) -> Any:  # noqa: ANN401 - as above
        """Return an Arrow table, amounts as decimals.

        Raises:
            MissingExtraError: If the extra ``arrow`` is not installed.
        """
        arrow: Any = _extra("pyarrow", "arrow")
        types = {
            Kind.TEXT: arrow.string(),
            Kind.NUMBER: arrow.float64(),
            Kind.COUNT: arrow.int64(),
            Kind.DAY: arrow.date32(),
            Kind.INSTANT: arrow.timestamp("us", "UTC"),
        }
        return arrow.table(
            {
                name: arrow.array(
                    self._values(name),
                    _decimal(self._values(name), arrow) if kind is Kind.AMOUNT else types[kind],
                )
                for name, kind in self._kinds()
            }
        )

    def _kinds(self) -> list[tuple[str, Kind]]:
        return list(kinds_of(self.row).items())

    def _values(self, name: str) -> list[Any]:
        return [getattr(row, name) for row in self.rows]


def _array(kind: Kind, values: list[Any]) -> NDArray[Any]:
    match kind:
        case Kind.TEXT:
            return np.array(values, object)
        case Kind.AMOUNT | Kind.NUMBER:
            return np.array(values, np.float64)
        case Kind.COUNT:
            return np.array(values, np.float64 if None in values else np.int64)
        case Kind.DAY:
            return np.array(values, "datetime64[D]")
        case Kind.INSTANT:
            # An instant of the client is in UTC, which numpy does not write down.
            bare = [None if value is None else value.replace(tzinfo=None) for value in values]
            return np.array(bare, "datetime64[us]")


def _scale(amounts: list[Decimal | None]) -> int:
    """Return how many places hold every digit of all amounts."""
    places = [-int(one.as_tuple().exponent) for one in amounts if one is not None]
    return max(0, *places) if places else _DEFAULT_SCALE


def _decimal(amounts: list[Decimal | None], arrow: Any) -> object:  # noqa: ANN401 - an extra
    """Return the narrower of the two decimals of Arrow that holds every digit of all amounts."""
    scale = _scale(amounts)
    whole = max((one.adjusted() + 1 for one in amounts if one is not None), default=1)
    fits = max(whole, 1) + scale <= _DIGITS
    return arrow.decimal128(_DIGITS, scale) if fits else arrow.decimal256(2 * _DIGITS, scale)


def _extra(module: str, extra: str | None = None) -> ModuleType:
    try:
        return import_module(module)  # heavy, and not always there
    except ImportError:
        raise MissingExtraError("this form of answer", extra or module) from None
