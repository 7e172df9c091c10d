"""What somebody reads who does not have what Souk needs, or who mistypes."""

import subprocess
import sys
from pathlib import Path

import pytest

from local import arguments, cli, doctor
from local.errors import PlatformError
from local.home import ROOT, Home


class TestCommandLine:
    def test_tells_an_old_python_its_version(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(sys, "version_info", (3, 10, 12))
        monkeypatch.setattr(sys, "version", "3.10.12 (main)")
        assert cli.main(["up"]) == 1
        assert capsys.readouterr().err == "Souk needs Python 3.11 or later; this is 3.10.12.\n"

    @pytest.mark.parametrize(
        ("error", "sentence"),
        [
            (PlatformError("No luck."), "No luck."),
            (KeyboardInterrupt(), "Interrupted."),
            (OSError(28, "No space left on device"), "[Errno 28] No space left on device"),
        ],
    )
    def test_tells_a_failure_in_one_line(
        self,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        error: BaseException,
        sentence: str,
    ) -> None:
        def fail(*_: object) -> int:
            raise error

        monkeypatch.setattr(arguments, "run", fail)
        assert cli.main(["up"]) == 1
        told = capsys.readouterr().err
        assert sentence in told
        assert told.count("\n") == 1

    def test_ends_quietly_when_its_reader_goes(self, tmp_path: Path) -> None:
        finished = subprocess.run(
            ["bash", "-o", "pipefail", "-c", f"'{sys.executable}' manage.py doctor | true"],
            cwd=ROOT,
            env={"SOUK_HOME": str(tmp_path / "home"), "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert finished.stderr == ""


class TestReplicas:
    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            ([], []),
            (["catalog=2"], [("catalog", 2)]),
            (["catalog=2, order=16"], [("catalog", 2), ("order", 16)]),
            (["catalog=2", "auth=1"], [("catalog", 2), ("auth", 1)]),
        ],
    )
    def test_are_read(self, given: list[str], expected: list[tuple[str, int]]) -> None:
        line = ["up", *(word for one in given for word in ("--replicas", one))]
        parsed = arguments._parser().parse_args(line)
        assert [pair for pairs in parsed.replicas for pair in pairs] == expected

    @pytest.mark.parametrize("given", ["catalog", "catalog=0", "catalog=17", "shop=2", "order=²"])
    def test_are_refused(self, given: str) -> None:
        sentence = "is not SERVICE=N with one of auth, catalog, order and N"
        with pytest.raises(PlatformError, match=sentence):
            arguments._parser().parse_args(["up", "--replicas", given])


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (["status", "extra"], "Unrecognized arguments: extra.\n"),
        (["logs", "nope"], "Argument service: invalid choice: 'nope'"),
    ],
)
def test_bad_arguments_end_in_one_sentence(line: list[str], sentence: str) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", *line], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith(sentence)


class TestDoctor:
    def test_turns_a_failed_check_into_a_finding(
        self, home: Home, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(doctor, "LEAST_FREE_BYTES", 2**60)
        found = {one.subject: one for one in doctor.examine(home)}
        assert found["Python"].is_well
        assert not found["disk"].is_well
        assert found["disk"].sentence.endswith("MiB are free; 1099511627776 are needed.")
