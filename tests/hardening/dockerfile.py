"""Reads a Dockerfile: its stages, and what each of their instructions says."""

import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

from tests.hardening.compose import interpolate


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction; a continued line is one line here."""

    line: int
    word: str
    text: str

    def words(self) -> list[str]:
        """Return what it is given, without its options."""
        return [word for word in shlex.split(self.text) if not word.startswith("--")]

    def exec_form(self) -> list[str] | None:
        """Return the words of a JSON list, None where a shell is to read the text."""
        text = re.sub(r"^(\s*--\S+)+\s+", "", self.text)
        try:
            value = json.loads(text.removeprefix("CMD ") if self.word == "HEALTHCHECK" else text)
        except ValueError:
            return None
        return value if isinstance(value, list) and all(isinstance(w, str) for w in value) else None


@dataclass(frozen=True, slots=True)
class Stage:
    """What begins with a FROM."""

    base: str
    name: str
    line: int
    instructions: list[Instruction] = field(default_factory=list)

    def last(self, word: str) -> Instruction | None:
        """Return the instruction that counts of those of a kind."""
        return next((one for one in reversed(self.instructions) if one.word == word), None)


@dataclass(frozen=True, slots=True)
class Dockerfile:
    """Its stages, and the arguments before the first of them with their defaults."""

    arguments: dict[str, str]
    stages: list[Stage]
    comments: list[str]

    def instructions(self) -> list[Instruction]:
        """Return those of every stage."""
        return [one for stage in self.stages for one in stage.instructions]

    def base_of(self, stage: Stage) -> str:
        """Return the image that a stage begins with."""
        return interpolate(stage.base, self.arguments)


def read(path: Path) -> Dockerfile:
    """Return what a Dockerfile says."""
    return parse(path.read_text(encoding="utf-8"))


def parse(text: str) -> Dockerfile:
    """Return what the text of a Dockerfile says."""
    found = Dockerfile({}, [], [])
    for number, line in _lines(text):
        if line.startswith("#"):
            found.comments.append(line)
            continue
        word, _, rest = line.partition(" ")
        word, rest = word.upper(), rest.strip()
        if word == "FROM":
            base, *name = [part for part in rest.split() if not part.startswith("--")]
            found.stages.append(Stage(base, name[-1] if name else "", number))
        elif found.stages:
            found.stages[-1].instructions.append(Instruction(number, word, rest))
        elif word == "ARG":
            argument, _, default = rest.partition("=")
            found.arguments[argument] = default.strip("'\"")
    return found


def _lines(text: str) -> list[tuple[int, str]]:
    """Return the instructions and comments, each with the number of its first line."""
    found: list[tuple[int, str]] = []
    begun = ""
    start = 0
    heredoc = ""
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if heredoc:
            begun += f"\n{raw}"
            if line == heredoc:
                found.append((start, begun))
                begun, heredoc = "", ""
            continue
        if not line or (line.startswith("#") and begun):
            continue
        start = start if begun else number
        begun = f"{begun} {line}".strip()
        if line.startswith("#"):
            found.append((number, line))
            begun = ""
        elif begun.endswith("\\"):
            begun = begun.removesuffix("\\").rstrip()
        elif opened := re.search(r"<<-?['\"]?(\w+)", begun):
            heredoc = opened[1]
        else:
            found.append((start, begun))
            begun = ""
    return found
