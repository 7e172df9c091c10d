"""Interleaved rounds: every candidate is measured in each, one after the other."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Protocol

from benchmarks import load
from benchmarks.load import Bounds
from benchmarks.processes import cpu_seconds

_MICRO = 1_000_000


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured: rounds that count, after one that does not, and what ends each."""

    rounds: int
    bounds: Bounds


@dataclass(frozen=True, slots=True)
class Sample:
    """One candidate in one round: processor microseconds per request, and requests per second."""

    application: float
    database: float
    rate: float

    @property
    def cpu(self) -> float:
        """Return the microseconds of both together."""
        return self.application + self.database


class Candidate(Protocol):
    """What can be measured."""

    @property
    def name(self) -> str: ...

    def sample(self, bounds: Bounds) -> Sample:
        """Do one round."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A candidate's rounds."""

    name: str
    samples: list[Sample]

    def middle(self, of: Callable[[Sample], float]) -> float:
        """Return the median of the rounds."""
        return median(of(sample) for sample in self.samples)

    def spread(self, of: Callable[[Sample], float]) -> float:
        """Return half the range of the rounds, as a share of the median."""
        values = [of(sample) for sample in self.samples]
        return (max(values) - min(values)) / 2 / median(values)


def ratio(ours: Outcome, other: Outcome, of: Callable[[Sample], float]) -> float:
    """Return the median of the rounds' ratios: both sides of each come from the same round."""
    return median(
        of(left) / of(right) for left, right in zip(ours.samples, other.samples, strict=True)
    )


@dataclass(frozen=True, slots=True)
class Meter:
    """Counts the processor time of two sets of process trees, named by their roots."""

    application: Sequence[int]
    database: Sequence[int]

    def around(self, work: Callable[[], load.Load]) -> Sample:
        """Do the work and return what it cost."""
        before = cpu_seconds(self.application), cpu_seconds(self.database)
        done = work()
        after = cpu_seconds(self.application), cpu_seconds(self.database)
        application, database = (
            (end - start) * _MICRO / done.requests for start, end in zip(before, after, strict=True)
        )
        return Sample(application, database, done.requests / done.seconds)


@dataclass(frozen=True, slots=True)
class HttpCandidate:
    """A server; `requests` yields what it is asked, for ever."""

    name: str
    url: str
    requests: Callable[[], Iterator[bytes]]
    meter: Meter
    status: int = 200

    def sample(self, bounds: Bounds) -> Sample:
        """Ask until the bounds are reached.

        Raises:
            UnexpectedAnswerError: it answered something else than expected.
        """
        return self.meter.around(
            lambda: load.run(self.url, self.requests(), bounds, status=self.status)
        )


def run_rounds(
    candidates: Sequence[Candidate], plan: Plan, progress: Callable[[str], None]
) -> list[Outcome]:
    """Measure the candidates; who goes first changes with each round."""
    outcomes = [Outcome(candidate.name, []) for candidate in candidates]
    pairs = list(zip(candidates, outcomes, strict=True))
    for number in range(plan.rounds + 1):
        first = number % len(pairs)
        for candidate, outcome in pairs[first:] + pairs[:first]:
            progress(f"round {number} of {plan.rounds}: {candidate.name}")
            sample = candidate.sample(plan.bounds)
            if number:  # round 0 warms up connections, plans and caches
                outcome.samples.append(sample)
    return outcomes
