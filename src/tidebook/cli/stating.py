"""``tidebook compliance policy`` and ``acknowledge``: what is told of accounts and of verdicts."""

from __future__ import annotations

import sys
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tidebook.cli.doors import Invocation
from tidebook.cli.output import Answer, Column, Record, json_text, write
from tidebook.cli.reading import AsOf, Portfolio
from tidebook.cli.ruling import User, portfolios_of, ruling
from tidebook.model.money import decimal_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from decimal import Decimal

    from tidebook.compliance.account_standing import AccountStanding

_COLUMNS = (Column("field", "what is stated"), Column("value", "as"))
_ACCOUNTS = (
    Column("portfolio", "account"),
    Column("type", "type"),
    Column("equity", "equity", "amount"),
    Column("bound", "what binds it"),
    Column("above", "above the limit"),
)
_SEEN = (
    Column("at", "at"),
    Column("trade", "trade"),
    Column("rule", "rule"),
    Column("status", "status"),
    Column("actor", "who"),
    Column("reason", "why"),
)
_STDIN = "-"


@ruling.command()
def policy(
    ctx: typer.Context,
    portfolio: Portfolio,
    *,
    file: Annotated[
        Path | None,
        typer.Option(
            "--set",
            metavar="FILE",
            help="State what this JSON says, as it is sent over HTTP; - reads standard input.",
        ),
    ] = None,
) -> None:
    """Show what is stated of an account, or state it; its trades are judged again then."""
    from tidebook.api.rows.account_policies import policy_of
    from tidebook.api.wire.account_policies import policy_answer, policy_json
    from tidebook.compliance.policies import AccountPolicy

    invocation: Invocation = ctx.obj
    with invocation.opened(run=False) as system:
        system.reader.portfolio(portfolio)
        if file is not None:
            now = system.clock.now()
            system.compliance.save_policy(portfolio, policy_of(_body(file), now), now)
        found = system.compliance.policy(portfolio)
    document = policy_answer(portfolio, found)
    records = _records(policy_json(found or AccountPolicy()))
    notes = () if found is not None else ("nobody stated anything: it is taken as shown",)
    title = f"Account {portfolio}"
    write(Answer(title, _COLUMNS, records, document, None, notes), invocation.output)


@ruling.command()
def accounts(ctx: typer.Context, user: User, *, as_of: AsOf = None) -> None:
    """Show where the accounts of a user and the household stand, and what binds them."""
    from tidebook.api.wire.account_standings import standings_of
    from tidebook.compliance.taxes import NOT_ADVICE
    from tidebook.engine.compliance.accounts import account_standings

    invocation: Invocation = ctx.obj
    with invocation.opened(run=False) as system:
        household = system.compliance.household(portfolios_of(system, user))
        found = account_standings(household, as_of or system.clock.now().astimezone(UTC).date())
    records: list[Record] = [
        {
            "portfolio": one.standing.account.account_id,
            "type": one.standing.account.type.value,
            "equity": one.standing.equity.value,
            "bound": "; ".join(told(one.standing)),
            "above": ", ".join(each.name for each in one.concentrations if each.is_above),
        }
        for one in found.accounts
    ]
    document = standings_of(user, found)
    title = f"Accounts of {user} on {found.as_of}"
    write(Answer(title, _ACCOUNTS, records, document, None, (NOT_ADVICE,)), invocation.output)


@ruling.command()
def acknowledge(
    ctx: typer.Context,
    user: User,
    trade: Annotated[str, typer.Argument(metavar="TRADE", help="Trade id.")],
    rule: Annotated[str, typer.Argument(metavar="RULE", help="Rule id, or name of its check.")],
    *,
    actor: Annotated[str, typer.Option(metavar="WHO", help="Who has seen it.")],
    reason: Annotated[str, typer.Option(metavar="WHY", help="Why it may stand.")],
) -> None:
    """Keep for ever that someone has seen a verdict and lets it stand, and why."""
    from tidebook.api.wire.compliance import acknowledgement_of, rule_ids_of
    from tidebook.engine.compliance.acknowledging import Said, acknowledged

    if not actor.strip() or not reason.strip():
        raise typer.BadParameter("say who has seen it and why it may stand")
    invocation: Invocation = ctx.obj
    said = Said(trade, rule, rule_ids_of(rule), actor.strip(), reason.strip())
    with invocation.opened(run=False) as system:
        ids, now = portfolios_of(system, user), system.clock.now()
        kept = acknowledged(system.compliance, ids, said, "cli", now)
    document = {"trade_id": trade, "rule_id": kept.rule_id} | acknowledgement_of(kept)
    write(Answer("Acknowledged", _COLUMNS, _records(document), document), invocation.output)


@ruling.command()
def acknowledgements(ctx: typer.Context, user: User) -> None:
    """List who let which verdicts stand, and why, latest first."""
    from tidebook.api.wire.compliance import acknowledgements_of

    invocation: Invocation = ctx.obj
    with invocation.opened(run=False) as system:
        page = system.compliance.verdicts(portfolios_of(system, user), limit=1)
    kept = page.acknowledgements[::-1]
    records: list[Record] = [
        {
            "at": one.recorded_at,
            "trade": one.transaction_id,
            "rule": one.rule_id,
            "status": one.status,
            "actor": one.actor,
            "reason": one.reason,
        }
        for one in kept
    ]
    document = acknowledgements_of(user, kept, total=len(kept))
    write(Answer(f"Acknowledged of {user}", _SEEN, records, document), invocation.output)


def told(one: AccountStanding) -> list[str]:
    """Return what binds an account, in words."""
    bound = one.bound
    trader, power, margin = bound.day_trader, bound.buying_power, bound.margin
    restriction = None if bound.cash is None else bound.cash.restriction
    words: list[str] = []
    if trader is not None and trader.designation is not None:
        words.append(f"pattern day trader since {trader.designation.on}")
    if power is not None and power.cash_only_until is not None:
        words.append(f"its cash alone until {power.cash_only_until}")
    if power is not None:
        words += [_due("called for", one.amount, one.due_on) for one in power.calls]
    if restriction is not None:
        words.append(f"settled cash alone until {restriction.until}: {restriction.why}")
    if margin is not None:
        words += [_due("deficit of", one.amount, one.due_on) for one in margin.open]
        if margin.frozen_until is not None:
            words.append(f"no new shorts and debits until {margin.frozen_until}")
    return words


def _due(what: str, amount: Decimal, on: date) -> str:
    return f"{what} {decimal_text(amount)}, due on {on}"


def _body(file: Path) -> bytes:
    if str(file) == _STDIN:
        return sys.stdin.buffer.read()
    try:
        return file.read_bytes()
    except OSError as error:
        raise typer.BadParameter(f"{file} cannot be read: {error}", param_hint="--set") from error


def _records(stated: Mapping[str, object]) -> list[Record]:
    return [{"field": name, "value": _told(value)} for name, value in stated.items()]


def _told(value: object) -> str:
    if value is None or value in ({}, []):
        return ""
    return value if isinstance(value, str) else " ".join(json_text(value).split())
