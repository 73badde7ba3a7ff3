"""The runner: the one loop that feeds batches to stages, and all that may go wrong with them."""

from tidebook.engine.runner.workers import Runner

__all__ = ["Runner"]
