"""The designation of a pattern day trader: it stays until it is taken back.

An account is designated by the trade that completes a pattern, or when its broker says so. It then
stays one of a pattern day trader however little is traded (FINRA 4210(f)(8)(B)); a broker may take
the designation back once in good faith, which the account's policy states with who acknowledged it
and why. Day trades before that day count for no new pattern.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from tidebook.compliance.bound import DayTrader, Designation
from tidebook.compliance.day_trading import pattern_in

if TYPE_CHECKING:
    from tidebook.compliance.day_trades import DayTradeRecord
    from tidebook.compliance.day_trading import PatternRule
    from tidebook.compliance.trades import DayTraderTerms, Trade


class DayTraderRecord:
    """Whether an account is one of a pattern day trader, day by day."""

    __slots__ = ("_counted_from", "_designation", "_not_taken", "_taken", "_through")

    def __init__(self) -> None:
        """Begin with an account that was never designated."""
        self._designation: Designation | None = None
        self._counted_from = date.min
        self._taken = 0
        self._not_taken: tuple[date, ...] = ()
        self._through = date.min

    @property
    def standing(self) -> DayTrader:
        """What is known now."""
        return DayTrader(self._designation, self._counted_from, self._not_taken)

    @property
    def is_designated(self) -> bool:
        """Whether the account is designated now."""
        return self._designation is not None

    @property
    def is_plain(self) -> bool:
        """Whether the account is not designated and never was."""
        return self._designation is None and self._counted_from == date.min

    def begin(self, on: date, terms: DayTraderTerms, resets_max: int) -> None:
        """Begin a day: take what is stated of the days since the last one, and of this one."""
        stated = terms.designated_on
        if stated is not None and self._through < stated <= on:
            self._reset(stated, terms, resets_max)
            self._designation = self._designation or Designation(stated)
        if terms.resets:
            self._reset(on, terms, resets_max)
        self._through = max(self._through, on)

    def take(self, trade: Trade, record: DayTradeRecord, rule: PatternRule) -> None:
        """Take a trade that ``record`` has taken: designate the account where it makes a pattern.

        Whoever has made fewer day trades in all than a pattern needs has none in any window.
        """
        if self._designation is not None or record.made_at_most < rule.day_trades_min:
            return
        pattern = pattern_in(record.window(trade.on).since(self._counted_from), rule)
        if pattern.is_pattern:
            self._designation = Designation(trade.on, pattern.day_trades)

    def _reset(self, through: date, terms: DayTraderTerms, resets_max: int) -> None:
        """Take back what was taken back by the end of a day, as often as the rule allows."""
        for reset in terms.resets:
            held = self._designation
            if held is None or not held.on < reset.on <= through:
                continue
            if self._taken < resets_max:
                self._designation, self._counted_from = None, reset.on
                self._taken += 1
            elif reset.on not in self._not_taken:
                self._not_taken = (*self._not_taken, reset.on)
