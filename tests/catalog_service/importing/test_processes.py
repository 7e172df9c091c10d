"""The command as it is run: exit codes and streams. What is killed or long is in tests/faults."""

import os
import pty

import pytest

from tests.catalog_service.importing.running import (
    HEADER,
    assert_nothing,
    finish,
    start,
    write_many,
)

pytestmark = pytest.mark.django_db(transaction=True)


class TestTheProcess:
    def test_exits_1_with_bad_rows_on_stderr(self, csv_file):
        code, (out, err) = finish(start(csv_file(f"{HEADER}A,a,x,c\nB,b,1,c\n")))
        assert (code, out) == (1, ["1 created, 0 updated, 0 unchanged, 1 bad"])
        assert err == [
            'row 2: price must be an amount such as 19.90 with at most two decimals, not "x"',
            "CommandError: 1 row is bad and was left out.",
        ]

    def test_exits_1_with_a_bad_row_under_strict(self, csv_file):
        code, (out, err) = finish(start(csv_file(f"{HEADER}B,b,1,c\nA,a,x,c\n"), "--strict"))
        assert (code, out) == (1, ["0 created, 0 updated, 0 unchanged, 1 bad"])
        assert err[0].startswith("row 3: price must be")
        assert err[1:] == ["CommandError: A row is bad: nothing was imported, by --strict."]
        assert_nothing()

    def test_exits_1_with_one_sentence_and_no_trace(self, tmp_path):
        code, (out, err) = finish(start(tmp_path / "none.csv"))
        assert (code, out) == (1, [])
        assert err == [f"CommandError: There is no file {tmp_path}/none.csv."]

    def test_shows_bars_on_a_terminal_and_the_summary_on_stdout(self, tmp_path):
        controller, terminal = pty.openpty()
        path = write_many(tmp_path / "many.csv", 1500)
        with path.open("a") as file:
            file.write("A,[a],x,c\n")
        process = start(path, stderr=terminal)
        os.close(terminal)
        shown = read_all(controller)
        out, _ = process.communicate(timeout=150)
        assert out == "1500 created, 0 updated, 0 unchanged, 1 bad\n"
        for text in ("reading", "writing", "100%", "row 1502: price must be"):
            assert text in shown


def read_all(controller: int) -> str:
    """Read what is written to a terminal until its last user closes it."""
    chunks = []
    try:
        while chunk := os.read(controller, 4096):
            chunks.append(chunk)
    except OSError:  # Linux's way to say that it is closed
        pass
    finally:
        os.close(controller)
    return b"".join(chunks).decode()
