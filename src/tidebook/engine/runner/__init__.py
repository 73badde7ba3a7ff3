"""The runner: the one loop that feeds batches to stages, and all that may go wrong with them."""

from tidebook.engine.runner.feeds import Through
from tidebook.engine.runner.lagging import unbooked
from tidebook.engine.runner.loops import Stage
from tidebook.engine.runner.scheduling import Scheduler
from tidebook.engine.runner.workers import Runner

__all__ = ["Runner", "Scheduler", "Stage", "Through", "unbooked"]
