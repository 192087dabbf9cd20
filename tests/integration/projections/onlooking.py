"""Somebody who looks on at a rebuild, and remembers."""

from __future__ import annotations


class Onlooker:
    def __init__(self) -> None:
        self.positions: list[tuple[int, int]] = []
        self.comparisons = 0
        self.readers: list[str] = []

    def folded(self, position: int, target: int) -> None:
        self.positions.append((position, target))

    def compares(self) -> None:
        self.comparisons += 1

    def waits(self, reader: str) -> None:
        self.readers.append(reader)
