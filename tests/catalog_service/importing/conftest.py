import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.catalog_service.importing.running import Outcome


@pytest.fixture
def csv_file(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a CSV of the given text or bytes."""

    def write(content: str | bytes, name: str = "products.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.fixture
def json_file(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a JSON of the given value, or of its text as it stands."""

    def write(content: Any, name: str = "products.json") -> Path:
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


@pytest.fixture
def run() -> Callable[..., Outcome]:
    """Return a function that runs the command in this process, which fails where rows are bad."""

    def call(path: Path, *options: str) -> Outcome:
        out, err = io.StringIO(), io.StringIO()
        arguments: Sequence[str] = [str(path), *options]
        failed = False
        try:
            call_command("import_products", *arguments, stdout=out, stderr=err, no_color=True)
        except CommandError as error:
            if not str(error).endswith("left out."):
                raise
            failed = True
        assert failed != out.getvalue().endswith(" 0 bad\n")
        return Outcome(out.getvalue().splitlines(), err.getvalue().splitlines())

    return call
