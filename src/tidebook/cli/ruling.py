"""``tidebook compliance``: what rules say of trades, and of orders before they are sent."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tidebook.cli.app import app
from tidebook.cli.doors import Invocation, Output
from tidebook.cli.exits import Exit
from tidebook.cli.output import Answer, Column, Record, json_text, write
from tidebook.cli.reading import AsOf, KnownAt

if TYPE_CHECKING:
    from tidebook.cli.doors import System
    from tidebook.compliance.verdicts import Verdict
    from tidebook.engine.compliance.open_orders import CountedCheck
    from tidebook.engine.compliance.pretrade import Order

ruling = typer.Typer(
    help="What rules say of trades and of orders to come. Not legal or tax advice.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(ruling, name="compliance")

_COLUMNS: Final = (
    Column("trade_date", "date"),
    Column("trade_id", "trade"),
    Column("rule_id", "rule"),
    Column("status", "status"),
    Column("reason", "why"),
)
_ORDER_COLUMNS: Final = (
    Column("order", "order"),
    Column("rule_id", "rule"),
    Column("status", "status"),
    Column("reason", "why"),
)
_ORDER_WORDS: Final = (3, 5)

User = Annotated[str, typer.Argument(metavar="USER", help="User id, or portfolio id.")]


@ruling.command("list")
def listed(
    ctx: typer.Context,
    user: User,
    *,
    limit: Annotated[int, typer.Option(min=1, help="Of how many trades at the most.")] = 100,
    skip: Annotated[int, typer.Option(min=0, help="Trades to pass over.")] = 0,
    everything: Annotated[
        bool, typer.Option("--all", help="Passed and inapplicable checks, too.")
    ] = False,
    known_at: KnownAt = None,
) -> None:
    """List what was said of trades when they were judged, latest first."""
    from tidebook.api.wire.compliance import Audited, audits_of
    from tidebook.compliance.taxes import NOT_ADVICE
    from tidebook.engine.compliance.unbooked import not_booked

    invocation: Invocation = ctx.obj
    with invocation.opened(run=False) as system:
        ids = portfolios_of(system, user)
        page = system.compliance.verdicts(ids, skip=skip, limit=limit, known_at=known_at)
        waiting = not_booked(system.reader, ids, known_at)
    totals = page.totals
    notes = (
        (
            f"{totals.checks} checks of {totals.trades} trades: {totals.passed} passed, "
            f"{totals.flagged} flagged, {totals.failed} failed, {totals.provisional} not decided"
        ),
        *(["some trades are still to be judged: tidebook serve does it"] if page.unjudged else []),
        *(
            f"{one.finding.transaction_id} is not booked, and not judged: {one.finding.sentence}; "
            f"{one.finding.remedy}"
            for one in waiting
        ),
        NOT_ADVICE,
    )
    records = [
        _record(kept.transaction_id, kept.trade_date, verdict)
        for kept in page.trades
        for verdict in kept.verdicts
        if everything or _needs_attention(verdict)
    ]
    audits = sum(len(kept.verdicts) for kept in page.trades) + len(waiting)
    audited = Audited(user, page, waiting)
    document = audits_of(audited, limit=audits, with_inapplicable=everything)
    write(Answer(f"Compliance of {user}", _COLUMNS, records, document, None, notes), _of(ctx))


@ruling.command()
def check(
    ctx: typer.Context,
    user: User,
    *,
    what_if: Annotated[
        list[str] | None,
        typer.Option(
            "--what-if", metavar="ORDER", help='Such as "sell 30 ACME at 45"; again for a basket.'
        ),
    ] = None,
    still_open: Annotated[
        list[str] | None,
        typer.Option(
            "--open",
            metavar="ORDER",
            help="An order that was sent and is not done; again for more.",
        ),
    ] = None,
    at: Annotated[
        str | None, typer.Option(metavar="INSTANT", help="When orders would be done; now.")
    ] = None,
    account: Annotated[
        str | None, typer.Option(metavar="ID", help="The account, or portfolio, of the orders.")
    ] = None,
) -> None:
    """Judge all booked trades now, or orders as if they were done.

    Ends with 8 when a rule fails, or an order would not be allowed. Nothing is stored.
    """
    invocation: Invocation = ctx.obj
    with invocation.opened(run=False) as system:
        ids = portfolios_of(system, user)
        if what_if:
            asked = (what_if, still_open or [], at, account)
            failed = _check_orders(ctx, system, (user, ids), asked)
        else:
            failed = _check_trades(ctx, system, user, ids)
    if failed:
        raise typer.Exit(Exit.CHECK_FAILED)


@ruling.command()
def rules(ctx: typer.Context, *, as_of: AsOf = None) -> None:
    """List every version of every rule with its source; those in force on a day are marked."""
    from tidebook.api.wire.compliance import rules_json
    from tidebook.compliance.packs import RULE_SETS
    from tidebook.compliance.taxes import NOT_ADVICE

    on = as_of or datetime.now(UTC).date()
    records: list[Record] = [
        {
            "rule_id": one.rule_id,
            "version": one.version,
            "jurisdiction": one.jurisdiction,
            "in_force": "yes" if one.in_force(on) else "no",
            "title": one.title,
            "source": one.source,
        }
        for one in RULE_SETS
    ]
    columns = tuple(Column(name, name.replace("_", " ")) for name in records[0])
    answer = Answer(f"Rules on {on}", columns, records, rules_json(on), None, (NOT_ADVICE,))
    write(answer, _of(ctx))


def _check_trades(ctx: typer.Context, system: System, user: str, ids: list[str]) -> bool:
    from tidebook.api.wire.compliance import verdict_of
    from tidebook.compliance.taxes import NOT_ADVICE
    from tidebook.compliance.verdicts import Status
    from tidebook.engine.book_facts import rebuilt
    from tidebook.engine.compliance.judging import Asked, judge_household

    household = system.compliance.household(ids)
    today = system.clock.now().astimezone(UTC).date()
    found = judge_household(rebuilt(household.facts), Asked(household.policies, date.min, today))
    judged = [
        (one.trade, verdict)
        for each in ids
        for one in found.get(each, ())
        for verdict in one.verdicts
        if _needs_attention(verdict)
    ]
    records = [_record(trade.trade_id, trade.on, verdict) for trade, verdict in judged]
    document = {
        "verdicts": [
            {"trade_id": trade.trade_id, "trade_date": trade.on.isoformat(), **verdict_of(verdict)}
            for trade, verdict in judged
        ],
        "disclaimer": NOT_ADVICE,
    }
    title = f"Compliance of {user}, judged now"
    write(Answer(title, _COLUMNS, records, document, None, (NOT_ADVICE,)), _of(ctx))
    return any(verdict.status is Status.FAIL for _, verdict in judged)


def _check_orders(
    ctx: typer.Context,
    system: System,
    whose: tuple[str, list[str]],
    asked: tuple[list[str], list[str], str | None, str | None],
) -> bool:
    from tidebook.api.wire.compliance import order_check_of
    from tidebook.compliance.taxes import NOT_ADVICE
    from tidebook.engine.compliance.open_orders import check_with_open
    from tidebook.engine.compliance.pretrade import account_of_order, check_orders
    from tidebook.model import moments

    (user, ids), (words, others, at, account) = whose, asked
    instant = system.clock.now() if at is None else moments.instant_of(at)
    if instant is None:
        raise typer.BadParameter(moments.why_no_instant(at or ""), param_hint="--at")
    portfolio_id = account_of_order(user, account or "", ids)
    orders = [_order(each, f"order-{place + 1}", portfolio_id) for place, each in enumerate(words)]
    still_open = [
        _order(each, f"open-{place + 1}", portfolio_id, "--open")
        for place, each in enumerate(others)
    ]
    named = {order.security_id for order in (*orders, *still_open)}
    household = system.compliance.household(ids, named)
    checked = check_with_open(
        lambda basket: check_orders(household, basket, instant), orders, still_open
    )
    document = {
        "allowed": all(one.check.is_allowed for one in checked),
        "orders": [order_check_of(one) for one in checked],
        "disclaimer": NOT_ADVICE,
    }
    if _of(ctx) is Output.JSON:
        typer.echo(json_text(document))
    else:
        notes = (*(_note(one) for one in checked), NOT_ADVICE)
        records = [record for one in checked for record in _order_records(one)]
        answer = Answer(f"Orders of {user}", _ORDER_COLUMNS, records, document, None, notes)
        write(answer, _of(ctx))
    return not document["allowed"]


def _order(words: str, order_id: str, portfolio_id: str, hint: str = "--what-if") -> Order:
    """Return the order of words such as ``sell 30 ACME at 45``; the price may be left out."""
    from tidebook.compliance.trades import Side
    from tidebook.engine.compliance.pretrade import Order

    parts = words.split()
    if len(parts) not in _ORDER_WORDS or (len(parts) > _ORDER_WORDS[0] and parts[3] != "at"):
        raise typer.BadParameter(
            f"{words!r} is no order; write it as buy 10 ACME at 41.50", param_hint=hint
        )
    if parts[0].lower() not in set(Side):
        raise typer.BadParameter(f"{parts[0]!r} is neither buy nor sell", param_hint=hint)
    numbers = [_positive(each, hint) for each in (parts[1], *parts[4:])]
    price = numbers[1] if len(numbers) > 1 else None
    side = Side(parts[0].lower())
    return Order(order_id, portfolio_id, parts[2], side, numbers[0], price)


def _positive(text: str, hint: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal(0)
    if not number.is_finite() or number <= 0:
        raise typer.BadParameter(f"{text!r} is no positive number", param_hint=hint)
    return number


def _order_records(counted: CountedCheck) -> list[Record]:
    one = counted.check
    return [
        {
            "order": _told(counted),
            "rule_id": verdict.rule_id,
            "status": verdict.status.value,
            "reason": verdict.reason,
        }
        for verdict in one.verdicts
        if _needs_attention(verdict)
    ]


def _note(counted: CountedCheck) -> str:
    one = counted.check
    says = "allowed" if one.is_allowed else f"not allowed{': ' if one.refusal else ''}{one.refusal}"
    if one.would_be_day_trade:
        says += "; it would be a day trade"
    elif counted.potential_day_trades:
        says += f"; open orders can make {counted.potential_day_trades} day trade of it"
    if one.wash is not None and one.wash.disallowed:
        says += f"; {one.wash.disallowed} of a loss would wait, from {one.wash.clean_from} on none"
    return f"{_told(counted)}: {says}"


def _told(counted: CountedCheck) -> str:
    one = counted.check
    order = one.order
    return f"{order.side.value} {order.quantity} {order.security_id} at {one.price}"


def portfolios_of(system: System, user: str) -> list[str]:
    """Return the ids of a user's portfolios; where there are none, the portfolio of that id."""
    from tidebook.errors import UnknownPortfolioError, UnknownUserError

    found = system.reader.portfolios(cif_id=user)
    if found:
        return [one.portfolio_id for one in found]
    try:
        return [system.reader.portfolio(user).portfolio_id]
    except UnknownPortfolioError:
        raise UnknownUserError(user) from None


def _needs_attention(verdict: Verdict) -> bool:
    return verdict.status.value in {"flag", "fail", "provisional"}


def _record(trade_id: str, on: date, verdict: Verdict) -> Record:
    return {
        "trade_date": on,
        "trade_id": trade_id,
        "rule_id": verdict.rule_id,
        "status": verdict.status.value,
        "reason": verdict.reason,
    }


def _of(ctx: typer.Context) -> Output:
    invocation: Invocation = ctx.obj
    return invocation.output
