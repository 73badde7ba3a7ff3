"""Programs of others that do comparable work, each in an environment of its own.

They are fetched only when asked for, pinned, into ``build/peers``. Nothing of Tidebook imports or
needs them; a row that has no peer at hand says so.
"""

from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bench.clocks import say
from tidebook.model.facts import TransactionType

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tidebook.model.facts import Transaction

BEANCOUNT = "beancount==3.2.3"
_FOLDER = Path("build") / "peers"
_FETCH_SECONDS = 300
_LOAD_SECONDS = 900
_LOAD = """
import collections, json, sys, time
from beancount import loader
from beancount.core import data
start = time.process_time()
entries, errors, _ = loader.load_file(sys.argv[1])
taken = time.process_time() - start
units = collections.defaultdict(int)
for entry in entries:
    for posting in entry.postings if isinstance(entry, data.Transaction) else ():
        units[posting.units.currency] += posting.units.number
print(json.dumps([taken, len(errors), {key: str(value) for key, value in units.items()}]))
"""


class Load(NamedTuple):
    """How much processor time a peer took, and the units of each security that it came to."""

    seconds: float
    units: Mapping[str, Decimal]


def fetch() -> None:
    """Install the peers, each into an environment of its own, unless they are there."""
    python = _python()
    if python.exists():
        return
    say(f"fetching {BEANCOUNT} into {python.parent.parent}")
    commands = (
        [sys.executable, "-m", "venv", str(python.parent.parent)],
        [str(python), "-m", "pip", "install", "--quiet", BEANCOUNT],
    )
    for command in commands:
        done = subprocess.run(command, check=False, timeout=_FETCH_SECONDS)
        if done.returncode:
            python.unlink(missing_ok=True)
            say(f"{BEANCOUNT} cannot be had here")
            return


def beancount_load(transactions: Iterable[Transaction], folder: Path) -> Load | None:
    """Return what beancount takes to load the same trades from its own text; None without it."""
    python = _python()
    if not python.exists():
        return None
    ledger = folder / "trades.beancount"
    ledger.write_text(_text(transactions), encoding="utf-8")
    command = [str(python), "-c", _LOAD, str(ledger)]
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, timeout=_LOAD_SECONDS
    )
    seconds, errors, units = json.loads(done.stdout)
    assert not errors, f"beancount found {errors} errors"
    return Load(seconds, {security: Decimal(value) for security, value in units.items()})


def _python() -> Path:
    return _FOLDER / BEANCOUNT.replace("==", "-") / "bin" / "python"


def _text(transactions: Iterable[Transaction]) -> str:
    """Return trades as a ledger of beancount that matches lots first in, first out."""
    opened: dict[str, str] = {}
    lines: list[str] = []
    for fact in transactions:
        assert fact.traded_at is not None
        day = fact.traded_at.date().isoformat()
        lines.append(f'{day} * "{fact.transaction_id}"')
        if fact.type is TransactionType.DEPOSIT:
            lines += [f"  Assets:Cash  {fact.gross} USD", "  Equity:Capital"]
            continue
        security = fact.security_id
        opened.setdefault(security, f'2000-01-01 open Assets:{security} {security} "FIFO"')
        if fact.type is TransactionType.BUY:
            lines.append(f"  Assets:{security}  {fact.quantity} {security} {{{fact.price} USD}}")
            lines += [f"  Expenses:Fees  {fact.fee} USD", "  Assets:Cash"]
        else:
            terms = f"{{}} @ {fact.price} USD"
            lines.append(f"  Assets:{security}  -{fact.quantity} {security} {terms}")
            lines.append(f"  Assets:Cash  {fact.gross - fact.fee} USD")
            lines += [f"  Expenses:Fees  {fact.fee} USD", "  Income:Gains"]
    accounts = ("Assets:Cash", "Equity:Capital", "Expenses:Fees", "Income:Gains")
    begun = [f"2000-01-01 open {account}" for account in accounts]
    return "\n".join([*begun, *opened.values(), *lines, ""])
