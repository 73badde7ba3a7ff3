"""Verdicts and policies as they lie in a column: arrays and objects of JSON, verdicts packed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import lru_cache
from hashlib import blake2b
from operator import itemgetter
from typing import Any, cast
from zlib import DEFLATED, compressobj, decompressobj

import msgspec

from tidebook.adapters.postgres.verdict_words import WORDS
from tidebook.compliance.packs import RULE_SETS
from tidebook.compliance.policies import AccountPolicy
from tidebook.compliance.taxes import AccountKind, Owner
from tidebook.compliance.trades import (
    AccountType,
    DayTradeRegime,
    DayTraderReset,
    DayTraderTerms,
    Restriction,
    SecurityTerms,
    UserLimit,
)
from tidebook.compliance.verdicts import Amount, Evidence, Status, Verdict

_QUICKLY = 1
_LOOKS_BACK = 13
"""How far a packed text may refer back, as a power of 2: over itself and the words."""
_PACKING = compressobj(_QUICKLY, DEFLATED, _LOOKS_BACK, 6, zdict=WORDS)
"""What every packing begins with; nothing is ever packed with it itself."""
_but_url = itemgetter(slice(Verdict._fields.index("source_url")))
"""Returns the fields of a verdict but the last."""


def text_of(verdicts: tuple[Verdict, ...]) -> bytes:
    """Return verdicts as JSON, but for the address of the source, which the version tells."""
    return msgspec.json.encode(list(map(_but_url, verdicts)))


def hash_of(text: bytes) -> str:
    """Return 32 hex digits that differ where verdicts do."""
    return blake2b(text, digest_size=16).hexdigest()


def packed(text: bytes) -> bytes:
    """Return text as a column of bytes takes it: a fifth of its size, short enough for a row."""
    packing = _PACKING.copy()
    return packing.compress(text) + packing.flush()


def unpacked(kept: bytes) -> bytes:
    """Return the text of a column of bytes, also of one that was packed without words."""
    return decompressobj(zdict=WORDS).decompress(kept)


def verdicts_from(kept: bytes) -> tuple[Verdict, ...]:
    """Return verdicts from a column of bytes."""
    rows = cast("list[list[Any]]", msgspec.json.decode(unpacked(kept)))
    return tuple(
        Verdict(
            row[0],
            row[1],
            Status(row[2]),
            row[3],
            row[4],
            tuple(_evidence(one) for one in row[5]),
            tuple(Amount(one[0], _decimal(one[1]), one[2], one[3]) for one in row[6]),
            _day(row[7]),
            row[8],
            _source_url(row[0], row[1]),
        )
        for row in rows
    )


def _evidence(row: list[Any]) -> Evidence:
    kind, ids, on, quantity, amount, currency, note = row
    return Evidence(
        kind, tuple(ids), _day(on), _decimal(quantity), _decimal(amount), currency, note
    )


def _decimal(value: str | None) -> Decimal | None:
    return None if value is None else Decimal(value)


def _day(value: str | None) -> date | None:
    return None if value is None else date.fromisoformat(value)


@lru_cache(maxsize=256)
def _source_url(rule_id: str, version: str) -> str:
    return next(
        (one.source_url for one in RULE_SETS if (one.rule_id, one.version) == (rule_id, version)),
        "",
    )


def policy_text(policy: AccountPolicy) -> str:
    """Return a policy as JSON with its keys in order, so that equal ones have equal texts."""
    return msgspec.json.encode(_fields(policy), order="sorted").decode()


def policy_from(text: str) -> AccountPolicy:
    """Return a policy from JSON."""
    return _policy(cast("dict[str, Any]", msgspec.json.decode(text)))


def _fields(policy: AccountPolicy) -> dict[str, Any]:
    before = None if policy.before is None else _fields(policy.before)
    return policy._asdict() | {"before": before}


def _policy(row: dict[str, Any]) -> AccountPolicy:
    """Return a policy from its fields; those that older rows lack are as nobody stated them."""
    regime, before = row["day_trade_regime"], row.get("before")
    designated_on, resets = row.get("day_trader", (None, ()))
    return AccountPolicy(
        AccountType(row["type"]),
        row["jurisdiction"],
        None if regime is None else DayTradeRegime(regime),
        _day(row["confirmed_on"]),
        {name: Decimal(value) for name, value in row["params"].items()},
        tuple(
            UserLimit(one[0], _decimal(one[1]), _decimal(one[2]), tuple(one[3]), one[4])
            for one in row["limits"]
        ),
        tuple(Restriction(*one) for one in row["restricted"]),
        _decimal(row["equity_elsewhere"]),
        AccountKind(row["tax_kind"]),
        Owner(row["owner"]),
        row["household_id"],
        row["identical"],
        _day(row.get("mark_to_market_from")),
        _day(row.get("digital_assets_from")),
        DayTraderTerms(
            _day(designated_on),
            tuple(DayTraderReset(date.fromisoformat(on), *said) for on, *said in resets),
        ),
        {name: _security(one) for name, one in row.get("securities", {}).items()},
        row.get("orders", {}),
        _day(row.get("effective_from")) or date.min,
        None if before is None else _policy(before),
    )


def _security(row: list[Any]) -> SecurityTerms:
    issuer, factor, is_marginable, delta, is_section_1256 = row
    return SecurityTerms(issuer, Decimal(factor), is_marginable, _decimal(delta), is_section_1256)
