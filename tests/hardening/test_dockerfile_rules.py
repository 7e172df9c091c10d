"""Each rule is seen red on the project's own Dockerfile with one line changed in it."""

import re
from typing import Final

import pytest

from tests.hardening import dockerfile
from tests.hardening.__main__ import ROOT
from tests.hardening.dockerfile_rules import RULES, leaves_out

TEXT: Final = (ROOT / "Dockerfile").read_text()

# A pattern of the lines of the last stage, what comes in its place, and what is then said.
CHANGES: Final = (
    (r"USER 10001:10001", "USER souk", "the user is not a number"),
    (r"USER 10001:10001", "USER 0", "the user is root"),
    (r"USER 10001:10001", "", "no USER in the last stage"),
    (r"USER 10001:10001", "USER 10001:10001\nUSER 0:0", "the user is root"),
    (r"ENTRYPOINT .*", "ENTRYPOINT python manage.py", "ENTRYPOINT needs a shell"),
    (r"ENTRYPOINT .*", 'ENTRYPOINT ["/bin/sh", "-c", "x"]', "ENTRYPOINT starts a shell"),
    (r"ENTRYPOINT .*", "", "no ENTRYPOINT"),
    (r"\nCMD .*", "\nCMD web", "CMD needs a shell"),
    (r"HEALTHCHECK .*\n\s+CMD .*", "", "no HEALTHCHECK"),
    (r"HEALTHCHECK .*\n\s+CMD .*", "HEALTHCHECK NONE", "no HEALTHCHECK"),
    (r"HEALTHCHECK .*\n\s+CMD .*", "HEALTHCHECK CMD curl localhost", "HEALTHCHECK needs a shell"),
    (r"STOPSIGNAL .*", "STOPSIGNAL SIGKILL", "is stopped by SIGKILL"),
    (r"USER 10001", "RUN apt-get install -y curl\nUSER 10001", "the last stage installs something"),
    (r"ENV PATH", "ENV CLIENT_SECRET=x PATH", "ENV CLIENT_SECRET stays in the image"),
    (r"ARG VERSION=dev", "ARG DATABASE_URL", "ARG DATABASE_URL stays in the image"),
    (r"ARG PYTHON_IMAGE=.*", "ARG PYTHON_IMAGE=python:latest", "python:latest has no version"),
    (r"ARG PYTHON_IMAGE=.*", "ARG PYTHON_IMAGE=python", "the base python has no version"),
    (r"FROM \$\{PYTHON_IMAGE\}", "FROM python:3.13", "cannot be set by an argument"),
    (r"\A", "# syntax=docker/dockerfile:1\n", "a syntax line"),
    (r"--require-hashes", "", "pip installs what has no hash"),
    (r"COPY manage.py ./", "ADD manage.py ./", "ADD fetches and unpacks"),
    (r"COPY manage.py ./", "COPY . .", "copies ."),
    (r"COPY manage.py ./", 'COPY ["./", "/app"]', "copies ./"),
    (r"COPY manage.py ./", "COPY *.py ./", "copies *.py"),
    (r"COPY manage.py ./", "COPY apps apps", "copies apps, which holds more"),
    (r"COPY manage.py ./", "COPY --chown=1 secrets /s", "copies secrets, which holds more"),
    (r"COPY manage.py ./", "RUN curl -s x.sh | sh", "fetches what no hash is known of"),
    (r"COPY manage.py ./", "RUN x \\\n  https://example.org/x", "fetches what no hash is known of"),
)  # fmt: skip


def findings(text: str) -> list[str]:
    file = dockerfile.parse(text)
    return [one for rule in RULES for one in rule(file)]


class TestDockerfile:
    def test_has_nothing_against_it(self) -> None:
        assert findings(TEXT) == []

    @pytest.mark.parametrize(("pattern", "line", "said"), CHANGES)
    def test_is_refused_with(self, pattern: str, line: str, said: str) -> None:
        text, count = re.subn(pattern, lambda _: line, TEXT, count=1)
        assert count == 1
        assert any(said in one for one in findings(text)), findings(text)

    def test_is_refused_with_one_stage(self) -> None:
        one = 'ARG B=python:3.13\nFROM $B\nUSER 1\nHEALTHCHECK CMD ["x"]\nENTRYPOINT ["x"]\n'
        assert findings(one) == ["there is one stage only"]

    def test_is_read_with_continued_lines_and_comments_between_them(self) -> None:
        file = dockerfile.parse("FROM a:1 AS x\nRUN one \\\n# why\n  && two\n\nUSER 1\n")
        assert [(i.line, i.word, i.text) for i in file.instructions()] == [
            (2, "RUN", "one && two"),
            (6, "USER", "1"),
        ]

    def test_is_read_with_what_is_written_in_place(self) -> None:
        file = dockerfile.parse("FROM a:1\nRUN <<E\npip install x\nE\nUSER 1\n")
        assert [i.word for i in file.instructions()] == ["RUN", "USER"]
        assert "pip installs what has no hash" in str(list(RULES[4](file)))


class TestWhatIsLeftOut:
    def test_is_everything_but_what_is_named(self) -> None:
        assert list(leaves_out((ROOT / ".dockerignore").read_text())) == []

    @pytest.mark.parametrize("pattern", ["!secrets", "!.git", "!tests", "!*", "!/.souk"])
    def test_is_never_let_in(self, pattern: str) -> None:
        assert list(leaves_out(f"# why\n*\n!apps\n{pattern}\n")) == [
            f".dockerignore: lets in {pattern[1:]}"
        ]

    def test_begins_with_all(self) -> None:
        assert list(leaves_out(".git\n")) == [
            ".dockerignore: does not begin by leaving out everything"
        ]
