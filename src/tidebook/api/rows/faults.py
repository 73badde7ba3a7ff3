"""The faults of a request, collected instead of stopping at the first."""

from __future__ import annotations

from tidebook.errors import Fault

FAULTS_MAX = 100


class Faults:
    """The faults found so far: the first hundred, and how many more there are."""

    def __init__(self) -> None:
        """Start without any."""
        self.listed: list[Fault] = []
        self.unlisted = 0

    def add(self, pointer: str, code: str, detail: str) -> None:
        """Keep one fault, or count it when enough are listed."""
        if len(self.listed) < FAULTS_MAX:
            self.listed.append(Fault(pointer, code, detail))
        else:
            self.unlisted += 1

    @property
    def count(self) -> int:
        """How many faults there are, listed or not."""
        return len(self.listed) + self.unlisted
