"""What was measured of orders, and the tables that tell it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from benchmarks.table import verdict

_PERCENT: Final = 99
_LEAST_SHARE: Final = 0.1
_MOST_CPU: Final = 0.015
_MOST_SLOWER: Final = 10


@dataclass(frozen=True, slots=True)
class Round:
    """Some orders: seconds until all were answered and until all were applied, and what they took."""

    orders: int
    answered: float
    applied: float
    application: float
    database: float
    times: Sequence[float]

    @property
    def cpu(self) -> float:
        """Return the processor seconds of one order."""
        return (self.application + self.database) / self.orders

    @property
    def rate(self) -> float:
        """Return the complete orders of a second: those that are answered and applied."""
        return self.orders / self.applied


@dataclass(frozen=True, slots=True)
class Measured:
    """The rounds of one platform, and those of the limit between them."""

    replicas: int
    ours: list[Round]
    limit: list[Round]


def markdown(found: Sequence[Measured]) -> list[str]:
    """Return the figures, and what is wanted of them, as lines of Markdown."""
    lines = [
        "| orders, by 8 clients | complete orders/s | answered/s | CPU of an order | p50 | p99 |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for one in found:
        lines += [
            _row(f"ours, {one.replicas} web per service", one.ours),
            _row("the limit, in the same rounds", one.limit),
        ]
    lines += ["", "| web per service | wanted | is | |", "| --- | --- | --- | --- |"]
    for one in found:
        lines += [f"| {one.replicas} | {text} |" for text in _wanted(one)]
    return lines


def _row(name: str, rounds: Sequence[Round]) -> str:
    return (
        f"| {name} | {_figure([one.rate for one in rounds], '')} "
        f"| {_figure([one.orders / one.answered for one in rounds], '')} "
        f"| {_figure([one.cpu * 1e3 for one in rounds], ' ms')} "
        f"(engines {median(one.database / one.orders * 1e3 for one in rounds):.1f}) "
        f"| {_percentile(rounds, 50) * 1e3:.1f} ms | {_percentile(rounds, _PERCENT) * 1e3:.1f} ms |"
    )


def _figure(values: Sequence[float], unit: str) -> str:
    return f"{median(values):.1f}{unit} ±{(max(values) - min(values)) / 2 / median(values):.0%}"


def _percentile(rounds: Sequence[Round], percent: int) -> float:
    """Return what so many of a hundred orders of all rounds stay under."""
    ordered = sorted(second for one in rounds for second in one.times)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def _wanted(one: Measured) -> Iterator[str]:
    pairs = list(zip(one.ours, one.limit, strict=True))
    share = median(ours.rate / limit.rate for ours, limit in pairs)
    cpu = median(ours.cpu for ours in one.ours)
    slower = _percentile(one.ours, _PERCENT) / _percentile(one.limit, _PERCENT)
    yield (
        f"at least {_LEAST_SHARE:g} of the limit's orders | {share:.3f} "
        f"| {verdict(met=share >= _LEAST_SHARE)}"
    )
    yield f"under {_MOST_CPU * 1e3:g} ms of CPU | {cpu * 1e3:.1f} ms | {verdict(met=cpu < _MOST_CPU)}"
    yield (
        f"p99 under {_MOST_SLOWER} times the limit's | {slower:.1f} "
        f"| {verdict(met=slower < _MOST_SLOWER)}"
    )
