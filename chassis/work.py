"""Work that a worker does in the background: a function by name, for a row that says what is to be done."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

IsStopping = Callable[[], bool]
Run = Callable[[UUID, IsStopping], None]


@dataclass(frozen=True, slots=True)
class Task:
    """A function, and what tells which row waits for it."""

    name: str
    run: Run
    waiting: Callable[[], UUID | None]


_tasks: dict[str, Task] = {}


def task(*, name: str, waiting: Callable[[], UUID | None]) -> Callable[[Run], Run]:
    """Register a function that takes a row's id, and whether its process was told to stop.

    Its message only wakes a worker (ADR 0026): it may be lost, come twice, or come to two workers at
    once. So the function claims the row, and does one at a time in the whole service. It gives the
    row back soon after its process is told to stop.

    Args:
        name: of the task, in messages.
        waiting: returns the row that is to be taken next, None where none is or one is under way.
            The active relay asks every second.
    """

    def register(run: Run) -> Run:
        if name in _tasks:
            raise ValueError(f"the task {name} is declared twice")
        _tasks[name] = Task(name, run, waiting)
        return run

    return register


def registered() -> Mapping[str, Task]:
    """Return the tasks by name."""
    return _tasks
