"""What the Dockerfile has to have, each rule a function that yields what is wrong."""

import re
from collections.abc import Callable, Iterator
from typing import Final

from tests.hardening.dockerfile import Dockerfile, Instruction
from tests.hardening.secrecy import is_secret_name

Rule = Callable[[Dockerfile], Iterator[str]]

_IMAGE_WITH_VERSION: Final = re.compile(r"(?:[\w.-]+/)*[\w.-]+:v?\d[\w.-]*(@sha256:[0-9a-f]{64})?")
_INSTALL: Final = re.compile(r"\b(pip3?|apt|apt-get|apk|uv)\b[^&|;]*\s(install|add)\b")
_FETCH: Final = re.compile(r"\b(curl|wget)\b|\bgit clone\b|https?://(?!localhost\b)")
_PIP: Final = re.compile(r"\bpip3?\b[^&|;]*?\s(install|download|wheel)\b[^&|;]*")


def has_a_last_stage_without_tools(file: Dockerfile) -> Iterator[str]:
    """Several stages: what builds is not what runs."""
    if len(file.stages) < 2:
        yield "there is one stage only"
        return
    for one in file.stages[-1].instructions:
        if one.word == "RUN" and _INSTALL.search(one.text):
            yield f"line {one.line}: the last stage installs something"


def begins_with_pinned_bases(file: Dockerfile) -> Iterator[str]:
    """Every base by an argument whose default has a version."""
    names = {stage.name for stage in file.stages}
    for stage in file.stages:
        if stage.base in names:
            continue
        if not re.fullmatch(r"\$\{?\w+\}?", stage.base):
            yield f"line {stage.line}: the base {stage.base} cannot be set by an argument"
        if not _IMAGE_WITH_VERSION.fullmatch(file.base_of(stage)):
            yield f"line {stage.line}: the base {file.base_of(stage)} has no version"
    if any(re.match(r"#\s*syntax\s*=", line, re.IGNORECASE) for line in file.comments):
        yield "a syntax line fetches an image that no argument can replace"


def runs_without_a_shell(file: Dockerfile) -> Iterator[str]:
    """The process itself is the container's first, and gets its signals."""
    last = file.stages[-1]
    for word in ("ENTRYPOINT", "CMD", "HEALTHCHECK"):
        one = last.last(word)
        if one is None and word != "CMD":
            yield f"no {word}"
        elif one and one.text.strip() == "NONE":
            yield f"line {one.line}: no {word}"
        elif one and one.exec_form() is None:
            yield f"line {one.line}: {word} needs a shell"
        elif one and re.search(r"\b(ba|da)?sh$", (one.exec_form() or [""])[0]):
            yield f"line {one.line}: {word} starts a shell"
    for one in last.instructions:
        if one.word == "STOPSIGNAL" and one.text not in {"SIGTERM", "15"}:
            yield f"line {one.line}: is stopped by {one.text}"


def runs_as_nobody_special(file: Dockerfile) -> Iterator[str]:
    """A user by number, which Kubernetes' runAsNonRoot can check, and not root."""
    user = file.stages[-1].last("USER")
    if user is None:
        yield "no USER in the last stage"
    elif not re.fullmatch(r"\d+(:\d+)?", user.text):
        yield f"line {user.line}: the user is not a number"
    elif int(user.text.partition(":")[0]) == 0:
        yield f"line {user.line}: the user is root"


def installs_what_is_locked(file: Dockerfile) -> Iterator[str]:
    """Every package by its hash."""
    for one in _runs(file):
        for command in _PIP.finditer(one.text):
            if "--require-hashes" not in command[0]:
                yield f"line {one.line}: pip installs what has no hash"


def fetches_nothing_unchecked(file: Dockerfile) -> Iterator[str]:
    """No ADD, and nothing that is fetched and run."""
    for one in file.instructions():
        if one.word == "ADD":
            yield f"line {one.line}: ADD fetches and unpacks; COPY does neither"
        if one.word == "RUN" and _FETCH.search(one.text):
            yield f"line {one.line}: fetches what no hash is known of"


def copies_what_it_names(file: Dockerfile) -> Iterator[str]:
    """Single files and folders: the whole checkout, or a pattern, would bring what nobody thought of."""
    for one in file.instructions():
        if one.word != "COPY" or "--from=" in one.text:
            continue
        words = one.exec_form() or one.words()
        for source in words[:-1]:
            if source.rstrip("/") in {"", ".", "./."} or re.search(r"[*?]", source):
                yield f"line {one.line}: copies {source}"
            if re.fullmatch(r"(?:\./)?(apps|tests|secrets|\.git|\.souk)/?", source):
                yield f"line {one.line}: copies {source}, which holds more than a service's own"


def keeps_no_secret(file: Dockerfile) -> Iterator[str]:
    """Arguments and variables stay in the image's history."""
    for one in file.instructions():
        if one.word in {"ARG", "ENV"}:
            for name in re.findall(r"(?:^|\s)(\w+)(?:=|\s|$)", one.text):
                if is_secret_name(name):
                    yield f"line {one.line}: {one.word} {name} stays in the image"


def _runs(file: Dockerfile) -> Iterator[Instruction]:
    return (one for one in file.instructions() if one.word == "RUN")


def leaves_out(ignored: str) -> Iterator[str]:
    """What .dockerignore has to say: all is left out, and what the image needs is let in by name."""
    patterns = [line.strip() for line in ignored.splitlines() if line.strip()[:1] not in {"", "#"}]
    if patterns[:1] not in (["*"], ["**"]):
        yield ".dockerignore: does not begin by leaving out everything"
    for pattern in patterns:
        if re.match(r"!/?(secrets|\.|tests|\*)", pattern):
            yield f".dockerignore: lets in {pattern[1:]}"


RULES: Final[tuple[Rule, ...]] = (
    has_a_last_stage_without_tools,
    begins_with_pinned_bases,
    runs_without_a_shell,
    runs_as_nobody_special,
    installs_what_is_locked,
    fetches_nothing_unchecked,
    copies_what_it_names,
    keeps_no_secret,
)
