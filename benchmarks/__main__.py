"""`python -m benchmarks`: measure, and print one table, and two of what tokens and log-ins take.

Every candidate of a scenario runs at the same time on this machine, and only one is asked at a
time. docs/benchmarks.md says what is compared and how.
"""

import argparse
import contextlib
import os
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from rich.console import Console

from benchmarks import (
    catalog,
    database,
    events,
    latency,
    log_in,
    order_figures,
    orders,
    platform,
    scale,
    table,
    tokens,
)
from benchmarks.latency import Latencies
from benchmarks.load import Bounds, UnexpectedAnswerError
from benchmarks.measure import Candidate, Plan, run_rounds
from benchmarks.table import Subject

_FULL: Final = Plan(rounds=7, bounds=Bounds(seconds=1.5, requests=3_000))
_QUICK: Final = Plan(rounds=3, bounds=Bounds(seconds=0.6, requests=1_000))
# Reads are asked for in several ways each: shorter rounds, as many.
_READ_SECONDS: Final = 1.0
# Ours takes longest to catch up with what was published: fewer events, not fewer seconds.
_MOST_EVENTS: Final = 800
_SCENARIOS: Final = ("list", "detail", "scale", "events", "orders", "tokens", "log-in")
_MOST_ORDERS: Final = 300
_SCALE_REQUESTS: Final = {True: 300, False: 800}


def main() -> None:
    """Measure what the command line asks for.

    Raises:
        SystemExit: a candidate did not start, or answered something else than ours.
    """
    arguments = _parse()
    plan = _QUICK if arguments.quick else _FULL
    subjects: list[Subject] = []
    token_rounds: list[tokens.Round] = []
    log_in_rounds: list[log_in.Round] = []
    scaled: scale.Scale | None = None
    ordered: list[order_figures.Measured] = []
    latencies: list[Latencies] = []
    sustained: Subject | None = None
    started, busy = time.monotonic(), os.getloadavg()[0]
    try:
        with _progress() as progress:
            if {"list", "detail"} & set(arguments.only):
                subjects += _measure_reads(arguments.only, plan, arguments.seed, progress)
            if "scale" in arguments.only:
                requests = _SCALE_REQUESTS[arguments.quick]
                scaled = scale.measure(arguments.products, requests, progress)
            if "events" in arguments.only:
                sustained, latencies = _measure_events(plan, arguments, progress)
                subjects.append(sustained)
            if "orders" in arguments.only:
                fewer = replace(plan, bounds=replace(plan.bounds, requests=_MOST_ORDERS))
                ordered = orders.measure(fewer, progress)
            if "tokens" in arguments.only:
                progress("tokens")
                token_rounds = tokens.measure(plan.rounds)
            if "log-in" in arguments.only:
                progress("log-ins")
                log_in_rounds = log_in.measure(plan.rounds)
    except UnexpectedAnswerError as error:
        sys.exit(f"The benchmark stops: {error} (--seed {arguments.seed})")
    if sustained is not None:
        print("\n".join(latency.markdown(latencies, sustained)) + "\n")
    _show(subjects, scaled, ordered, token_rounds, log_in_rounds)
    print(
        f"Medians of {plan.rounds} interleaved rounds ± half their range; "
        f"{time.monotonic() - started:.0f} s in all. "
        f"Before it began, {busy:.1f} processes were running on {os.cpu_count()} cores. "
        f"Paths of reads and times of events were drawn by --seed {arguments.seed}."
    )


def _show(
    subjects: Sequence[Subject],
    scaled: scale.Scale | None,
    ordered: list[order_figures.Measured],
    token_rounds: list[tokens.Round],
    log_in_rounds: list[log_in.Round],
) -> None:
    if subjects:
        table.show(subjects)
        print(
            "Processor microseconds per request, application + database, then requests per second.\n"
        )
    if goals := table.wanted(subjects):
        print("\n".join(goals) + "\n")
    if token_rounds:
        print("\n".join(tokens.markdown(token_rounds)))
        print("Processor microseconds of one request inside one process.\n")
    if log_in_rounds:
        print("\n".join(log_in.markdown(log_in_rounds)) + "\n")
    if ordered:
        print("\n".join(order_figures.markdown(ordered)) + "\n")
    if scaled:
        print("\n".join(scale.markdown(scaled)) + "\n")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=main.__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument(
        "--only",
        action="append",
        choices=_SCENARIOS,
        help="measure this scenario; may be repeated (default: all)",
    )
    parser.add_argument(
        "--products",
        type=int,
        metavar="N",
        help=f"of the scenario scale (default {scale.PRODUCTS:,}, or {scale.QUICK_PRODUCTS:,} with --quick)",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=random.randrange(1_000_000),
        metavar="N",
        help="of the paths at which the servers' answers are compared, and of the times between events "
        "(default: another each time)",
    )
    arguments = parser.parse_args()
    arguments.only = arguments.only or list(_SCENARIOS)
    arguments.products = arguments.products or (
        scale.QUICK_PRODUCTS if arguments.quick else scale.PRODUCTS
    )
    return arguments


def _measure_reads(
    wanted: Sequence[str], plan: Plan, seed: int, progress: Callable[[str], None]
) -> list[Subject]:
    progress("starting PostgreSQL, migrating, adding products")
    shorter = replace(plan.bounds, seconds=min(plan.bounds.seconds, _READ_SECONDS))
    plan = replace(plan, bounds=shorter)
    with database.running() as found, catalog.servers(found, progress) as servers:
        return [
            replace(_measure(one.title, one.candidates, plan, progress), goals=one.goals)
            for one in catalog.scenarios(found, servers, seed)
            if one.key in wanted
        ]


def _measure_events(
    plan: Plan, arguments: argparse.Namespace, progress: Callable[[str], None]
) -> tuple[Subject, list[Latencies]]:
    progress("starting a platform")
    with platform.running() as found:
        count = latency.QUICK_EVENTS if arguments.quick else latency.EVENTS
        latencies = latency.measure(found, events=count, seed=arguments.seed, progress=progress)
        with events.candidates(found) as candidates:
            fewer = replace(plan, bounds=replace(plan.bounds, requests=_MOST_EVENTS))
            return _measure("events, auth to order", candidates, fewer, progress), latencies


def _measure(
    title: str,
    candidates: Sequence[Candidate],
    plan: Plan,
    progress: Callable[[str], None],
) -> Subject:
    ours, limit, *alternatives = run_rounds(
        candidates, plan, lambda text: progress(f"{title}, {text}")
    )
    return Subject(title, ours, limit, alternatives)


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    if sys.stderr.isatty():
        with Console(stderr=True).status("") as status:
            yield status.update
    else:
        yield _say_nothing


def _say_nothing(_text: str) -> None:
    """Stand in for a terminal."""


if __name__ == "__main__":
    main()
