"""Reads the fields of one row, and keeps every fault instead of stopping at the first.

A reading method returns a value of its type in any case; what it returns for a faulty field is a
stand-in, and :attr:`RowReader.is_clean` says whether the values may be used.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, TypeVar, cast

from tidebook.api.rows import checks
from tidebook.api.rows.faults import Faults
from tidebook.model import moments
from tidebook.model.money import ZERO, decimal_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Kind = TypeVar("Kind", bound=StrEnum)

IGNORED_FIELDS = frozenset({"createdAt", "created_at", "updatedAt", "updated_at", "id"})
_SHOWN_LENGTH = 60
_EPOCH = date(1970, 1, 1)


class Names(NamedTuple):
    """The fields of a row: from either spelling to the one used inside."""

    spellings: Mapping[str, str]

    @classmethod
    def of(cls, names: Sequence[str]) -> Names:
        """Return the fields under their snake_case and their camelCase names."""
        return cls({spelling: name for name in names for spelling in (name, camel(name))})


class RowReader:
    """One row of a request, read field by field."""

    def __init__(
        self,
        raw: Mapping[str, object],
        names: Names,
        *,
        pointer: str,
        faults: Faults,
        now: datetime,
    ) -> None:
        """Sort the row's fields by their names; unknown and doubled ones are faults."""
        self._pointer = pointer
        self._faults = faults
        self._before = faults.count
        self._faulty: set[str] = set()
        self._now = now
        self._spelt: dict[str, str] = {}
        self._values: dict[str, object] = {}
        for spelling, value in raw.items():
            self._sort(spelling, value, names)

    @property
    def is_clean(self) -> bool:
        """Whether no fault was found in this row so far."""
        return self._faults.count == self._before

    @property
    def fault_count(self) -> int:
        """How many faults the whole request has so far; more of them tell of one in between."""
        return self._faults.count

    def fault(self, name: str, code: str, detail: str) -> None:
        """Keep a fault of one field, named as the sender spelt it."""
        self._faulty.add(name)
        spelling = _escaped(self._spelt.get(name, name))
        self._faults.add(f"{self._pointer}/{spelling}", code, detail)

    def is_sound(self, *names: str) -> bool:
        """Tell whether none of these fields has a fault so far."""
        return self._faulty.isdisjoint(names)

    def has(self, name: str) -> bool:
        """Tell whether the field was given and is not null."""
        return self._values.get(name) is not None

    def identifier(self, name: str, *, default: str | None = None) -> str:
        """Return an id; required unless there is a default."""
        text = self._text(name, default=default)
        if text is None or (text == "" and default == ""):
            return default or ""
        if not checks.is_id(text):
            self.fault(name, "id.unusable", _why_no_id(text))
        return text

    def text(self, name: str, *, default: str = "") -> str:
        """Return free text; the default when it is absent."""
        text = self._text(name, default=default)
        if text is None:
            return default
        if not checks.is_text(text):
            self.fault(
                name,
                "text.unusable",
                f"the text has more than {checks.TEXT_LENGTH_MAX} characters, a control "
                "character or a backslash; shorten it or take these out",
            )
        return text

    def optional_text(self, name: str) -> str | None:
        """Return free text, or None when it is absent or empty."""
        return self.text(name) or None

    def currency(self, name: str, *, default: str | None = None) -> str:
        """Return a currency code; required unless there is a default."""
        text = self._text(name, default=default)
        if text is None:
            return default or ""
        if not checks.is_currency(text):
            remedy = (
                f"send {text.upper()} if that is what is meant"
                if checks.is_currency(text.upper())
                else "send a code of 3 to 10 capital letters or digits, such as USD"
            )
            self.fault(name, "currency.unknown", f"{_shown(text)} is no currency code; {remedy}")
        return text

    def number(self, name: str, *, default: Decimal | None = None) -> Decimal:
        """Return a number with every digit as written; required unless there is a default."""
        value = self._values.get(name)
        if value is None:
            if default is None:
                self._missing(name, 'a number, or its digits as text: "12.50"')
            return default or ZERO
        number = _decimal(value)
        if number is None:
            self.fault(
                name,
                "number.unreadable",
                f"{_shown(value)} is no number; send digits with a decimal point, as a JSON "
                'number or as text: "1234.50"',
            )
            return ZERO
        if not checks.is_number(number):
            self.fault(name, "number.unstorable", _why_unstorable(number))
            return ZERO
        return number

    def positive(self, name: str, *, default: Decimal | None = None) -> Decimal:
        """Return a number above zero."""
        before = self._faults.count
        number = self.number(name, default=default)
        if number <= 0 and self._faults.count == before and self.has(name):
            self.fault(
                name,
                "number.not-positive",
                f"it is {decimal_text(number)} and must be above 0; correct it or leave the row "
                "out",
            )
        return number

    def not_negative(self, name: str, *, default: Decimal | None = None) -> Decimal:
        """Return a number that is zero or above."""
        number = self.number(name, default=default)
        if number < 0:
            self.fault(
                name,
                "number.negative",
                f"it is {decimal_text(number)} and must not be below 0: the transaction type "
                "says in which direction it moves; send it without the sign",
            )
        return number

    def fraction(self, name: str, *, default: Decimal | None = None) -> Decimal:
        """Return a number from 0 to 1."""
        number = self.not_negative(name, default=default)
        if number > 1 and self.is_sound(name):
            self.fault(
                name,
                "fraction.above-one",
                f"it is {decimal_text(number)} and is a fraction of 1; send 0.25 for 25 percent",
            )
        return number

    def whole(self, name: str, *, default: int, most: int) -> int:
        """Return a whole number from 0 to ``most``."""
        number = self.not_negative(name, default=Decimal(default))
        if self.is_sound(name) and (number > most or number != int(number)):
            self.fault(
                name,
                "number.not-whole",
                f"it is {decimal_text(number)}; send a whole number from 0 to {most}",
            )
            return default
        return int(number)

    def day(self, name: str, *, future: bool = True) -> date:
        """Return a required plain date; ``future=False`` refuses what lies after tomorrow."""
        day = self.optional_day(name)
        if day is None:
            if not self.has(name):
                self._missing(name, 'a date: "2024-01-02"')
            return _EPOCH
        if not future:
            self._not_too_late(name, day)
        return day

    def optional_day(self, name: str, *, of_time: bool = False) -> date | None:
        """Return a plain date, or None; ``of_time`` takes the day of a date-time with offset."""
        text = self._text(name, default="")
        if text is None or not text:
            return None
        day = moments.day_of(text)
        if day is not None:
            return day
        stated = moments.stated_time_of(text) if of_time else None
        if stated is not None and stated.tzinfo is not None:
            return stated.date()
        self.fault(
            name,
            "date.unreadable",
            f"{_shown(text)} is no calendar date; send it as year-month-day: 2024-01-02",
        )
        return None

    def optional_instant(self, name: str) -> datetime | None:
        """Return an instant (UTC), or None when it is absent."""
        text = self._text(name, default="")
        if not text:
            return None
        instant = moments.instant_of(text)
        if instant is None:
            self.fault(name, "instant.unreadable", moments.why_no_instant(text))
        return instant

    def fields(self, name: str) -> Mapping[str, object]:
        """Return an object inside the row; empty when it is absent."""
        value = self._values.get(name)
        if value is None:
            return {}
        if isinstance(value, dict):
            return cast("dict[str, object]", value)
        self.fault(name, "object.expected", "it is no object; send fields in braces")
        return {}

    def rows(self, name: str) -> Sequence[object]:
        """Return a required list inside the row."""
        value = self._values.get(name)
        if isinstance(value, list):
            return cast("list[object]", value)
        if value is None:
            self._missing(name, "a list")
        else:
            self.fault(name, "list.expected", "it is no list; put it in brackets")
        return ()

    def each(self, name: str, names: Names) -> Sequence[RowReader]:
        """Return a reader for each object of a list inside the row; none when it is absent."""
        if not self.has(name):
            return ()
        readers: list[RowReader] = []
        for index, raw in enumerate(self.rows(name)):
            pointer = f"{self._pointer}/{_escaped(self._spelt[name])}/{index}"
            if isinstance(raw, dict):
                fields = cast("dict[str, object]", raw)
                readers.append(
                    RowReader(fields, names, pointer=pointer, faults=self._faults, now=self._now)
                )
            else:
                self._faults.add(
                    pointer, "row.expected", "it is no object; send an object with fields"
                )
        return readers

    def day_or_instant(self, name: str) -> tuple[datetime | None, date | None]:
        """Return the instant (UTC) or the plain date of a required field; the other is None."""
        text = self._text(name, default=None)
        if text is None:
            return None, _EPOCH
        day, instant = moments.day_of(text), moments.instant_of(text)
        when = instant or day
        if when is not None:
            self._not_too_late(name, when)
        elif moments.stated_time_of(text) is not None:
            self.fault(
                name,
                "date.no-offset",
                f"{_shown(text)} does not say in which time zone it is; send an offset "
                f"({text}Z, {text}+01:00) or a plain date ({text[:10]})",
            )
        else:
            self.fault(
                name,
                "date.unreadable",
                f"{_shown(text)} is neither a date nor a date-time; send 2024-01-02 or "
                "2024-01-02T15:30:00Z",
            )
        return instant, day

    def word(self, name: str, kinds: type[Kind], stand_in: Kind) -> Kind:
        """Return one of a few words, which must be given; the stand-in where it is faulty."""
        if not self.has(name):
            self._missing(name, f"one of {', '.join(kinds)}")
        return self.choice(name, kinds, stand_in)

    def choice(self, name: str, kinds: type[Kind], default: Kind) -> Kind:
        """Return one of a few words; the default when it is absent."""
        text = self._text(name, default=default.value)
        if text is None:
            return default
        try:
            return kinds(text)
        except ValueError:
            known = ", ".join(kinds)
            self.fault(
                name, "word.unknown", f"{_shown(text)} is none of {known}; send one of these"
            )
            return default

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return true or false; the default when it is absent."""
        value = self._values.get(name)
        if value is None:
            return default
        if isinstance(value, bool):
            return value
        if value in {"true", "false"}:
            return value == "true"
        self.fault(name, "flag.unreadable", f"{_shown(value)} is neither true nor false")
        return False

    def time_zone(self, name: str) -> str:
        """Return an IANA time zone; UTC when it is absent."""
        text = self._text(name, default="UTC")
        if text is None or text == "UTC":
            return "UTC"
        if not checks.is_time_zone(text):
            self.fault(
                name,
                "time-zone.unknown",
                f"{_shown(text)} is no IANA time zone; send a name such as Europe/Zurich",
            )
        return text

    def _sort(self, spelling: str, value: object, names: Names) -> None:
        name = names.spellings.get(spelling)
        if name is None:
            if spelling not in IGNORED_FIELDS:
                known = ", ".join(dict.fromkeys(names.spellings.values()))
                self.fault(
                    spelling,
                    "field.unknown",
                    f"there is no field of this name, and a slip of the pen must not pass "
                    f"unseen; the fields are {known}",
                )
        elif name in self._spelt:
            self.fault(
                name,
                "field.doubled",
                f"it is given as {self._spelt[name]} and as {spelling}; send it once",
            )
        else:
            self._spelt[name] = spelling
            self._values[name] = value

    def _text(self, name: str, *, default: str | None) -> str | None:
        value = self._values.get(name)
        if value is None:
            if default is None:
                self._missing(name, "text")
            return default
        if isinstance(value, str):
            return value
        self.fault(
            name, "text.expected", f"{_shown(value)} is not text; send it between quotation marks"
        )
        return None

    def _missing(self, name: str, what: str) -> None:
        self.fault(name, "field.missing", f"it is required and was not given; send {what}")

    def _not_too_late(self, name: str, when: date) -> None:
        if checks.is_too_late(when, self._now):
            today = self._now.astimezone(UTC).date()
            self.fault(
                name,
                "date.future",
                f"{when.isoformat()} lies more than a day after today, {today}; correct the "
                "date, or send the fact when it has happened",
            )


def camel(name: str) -> str:
    """Return a snake_case name in camelCase."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _escaped(spelling: str) -> str:
    return spelling.replace("~", "~0").replace("/", "~1")


def _decimal(value: object) -> Decimal | None:
    if isinstance(value, Decimal):
        return value
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    try:
        return Decimal(value)
    except InvalidOperation:
        return None


def _why_no_id(text: str) -> str:
    if not text:
        return "it is empty; every fact needs the id by which it is known"
    if len(text) > checks.ID_LENGTH_MAX:
        return f"it has {len(text)} characters, at most {checks.ID_LENGTH_MAX} are kept; shorten it"
    if not text.strip():
        return "it is blank; every fact needs the id by which it is known"
    if text != text.strip():
        return f"{_shown(text)} begins or ends with a blank, which nobody sees; take it out"
    return (
        f"{_shown(text)} contains a control character, a tab or a backslash, which cannot be kept; "
        "take it out"
    )


def _why_unstorable(number: Decimal) -> str:
    if not number.is_finite():
        return f"{number} is no amount; send a finite number or leave the row out"
    return (
        "it has more than 20 digits before the point or 18 after it, and digits are never cut in "
        "silence; send it rounded as you want it kept"
    )


def _shown(value: object) -> str:
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= _SHOWN_LENGTH else f"{text[:_SHOWN_LENGTH]}..."
