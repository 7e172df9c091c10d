"""The one table: rich on a terminal, Markdown where the output is kept."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table

from benchmarks.measure import Outcome, Sample, ratio

HEADINGS = (
    "scenario",
    "ours",
    "the limit",
    "what users pick instead",
    "ours / limit",
    "ours / instead",
)


@dataclass(frozen=True, slots=True)
class Subject:
    """What was measured in one scenario: one row of the table for each alternative."""

    title: str
    ours: Outcome
    limit: Outcome
    alternatives: Sequence[Outcome]
    goals: Mapping[str, float] = field(default_factory=dict)
    """By another's name how many times its requests ours must answer in the same processor time."""


def rows(subjects: Sequence[Subject]) -> list[tuple[str, ...]]:
    """Return the table's rows."""
    return [
        (
            subject.title,
            _figures(subject.ours),
            _named(subject.limit),
            _named(alternative),
            _ratios(subject.ours, subject.limit),
            _ratios(subject.ours, alternative),
        )
        for subject in subjects
        for alternative in subject.alternatives
    ]


def show(subjects: Sequence[Subject]) -> None:
    """Print the table."""
    if not sys.stdout.isatty():
        print("\n".join(markdown(subjects)))
        return
    table = Table(*HEADINGS, show_lines=True)
    for row in rows(subjects):
        table.add_row(*row)
    Console().print(table)


def markdown(subjects: Sequence[Subject]) -> list[str]:
    """Return the table as lines of Markdown."""
    every = [HEADINGS, tuple("---" for _ in HEADINGS), *rows(subjects)]
    return ["| {} |".format(" | ".join(row)).replace("\n", ", ") for row in every]


def wanted(subjects: Sequence[Subject]) -> list[str]:
    """Return what is wanted of ours, and whether it is so, as lines of Markdown; none where nothing is."""
    lines = [
        "| {} | {} | {:.2f} | {:.2f} | {} |".format(
            subject.title,
            f"at least {goal:g} times {other.name}",
            by_cpu := ratio(other, subject.ours, _cpu),
            ratio(subject.ours, other, _rate),
            verdict(met=by_cpu >= goal),
        )
        for subject in subjects
        for other in (subject.limit, *subject.alternatives)
        if (goal := subject.goals.get(other.name)) is not None
    ]
    heading = [
        "| scenario | wanted of processor time | is | by rate | |",
        "| --- | --- | --- | --- | --- |",
    ]
    return [*heading, *lines] if lines else []


def verdict(*, met: bool) -> str:
    """Return how it is told whether something wanted is so."""
    return "met" if met else "MISSED"


def _named(outcome: Outcome) -> str:
    return f"{outcome.name}\n{_figures(outcome)}"


def _figures(outcome: Outcome) -> str:
    application = outcome.middle(lambda sample: sample.application)
    database = outcome.middle(lambda sample: sample.database)
    return (
        f"{application:,.0f} + {database:,.0f} µs ±{outcome.spread(_cpu):.0%}\n"
        f"{outcome.middle(_rate):,.0f}/s ±{outcome.spread(_rate):.0%}"
    )


def _ratios(ours: Outcome, other: Outcome) -> str:
    return f"CPU {ratio(ours, other, _cpu):.2f}\nrate {ratio(ours, other, _rate):.2f}"


def _cpu(sample: Sample) -> float:
    return sample.cpu


def _rate(sample: Sample) -> float:
    return sample.rate
