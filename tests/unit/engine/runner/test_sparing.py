from collections.abc import Collection

import pytest

from tidebook.engine.runner.sparing import SPARED_SECONDS, Sparing
from tidebook.errors import FencedError


class _Work:
    """Portfolios with work; one of them cannot be processed."""

    def __init__(self, *waiting: str, bad: str) -> None:
        self.waiting = list(waiting)
        self.bad = bad

    def step(self, limit: int, spared: Collection[str], taken: list[str]) -> None:
        taken.extend([each for each in self.waiting if each not in spared][:limit])
        if self.bad in taken:
            msg = f"{self.bad} cannot be folded"
            raise ArithmeticError(msg)
        self.waiting = [each for each in self.waiting if each not in taken]


class _Watch:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_one_portfolio_that_fails_holds_up_nobody_else() -> None:
    work, sparing = _Work("A", "B", "C", "D", bad="B"), Sparing(3)
    rounds = 0
    while sparing.run(work.step):
        rounds += 1
        assert rounds < 20
    assert work.waiting == ["B"]


def test_what_failed_is_tried_again_after_a_while() -> None:
    watch = _Watch()
    work, sparing = _Work("A", "B", bad="B"), Sparing(3, watch)
    while sparing.run(work.step):
        pass
    work.bad = ""
    assert not sparing.run(work.step)
    watch.now += SPARED_SECONDS + 1
    assert sparing.run(work.step)
    assert work.waiting == []


def test_a_step_that_fails_before_it_takes_anything_fails_openly() -> None:
    def step(limit: int, spared: Collection[str], taken: list[str]) -> None:
        raise ArithmeticError

    with pytest.raises(ArithmeticError):
        Sparing(3).run(step)


def test_a_worker_that_is_fenced_spares_nobody() -> None:
    def step(limit: int, spared: Collection[str], taken: list[str]) -> None:
        taken.append("A")
        raise FencedError("everything")

    sparing = Sparing(3)
    with pytest.raises(FencedError):
        sparing.run(step)
    work = _Work("A", bad="")
    assert sparing.run(work.step)
