"""Secrets are made of what `make secrets` writes, and hold what the example lists."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.kubernetes import FOLDER, ROOT


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="there is no kubectl to make them")
def test_script_makes_the_secrets_of_the_example(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    make = [sys.executable, "-m", "local.secrets_folder", str(folder)]
    subprocess.run(make, cwd=ROOT, check=True, capture_output=True)
    script = ["sh", str(FOLDER / "secrets.sh"), str(folder)]
    printed = subprocess.run(script, check=True, capture_output=True, text=True).stdout
    made = {one["metadata"]["name"]: one["data"] for one in yaml.safe_load_all(printed) if one}
    listed = yaml.safe_load_all((FOLDER / "secrets.example.yaml").read_text())
    assert {name: set(data) for name, data in made.items()} == {
        one["metadata"]["name"]: set(one["stringData"]) for one in listed
    }


def test_script_names_a_file_that_is_not_there(tmp_path: Path) -> None:
    script = ["sh", str(FOLDER / "secrets.sh"), str(tmp_path)]
    done = subprocess.run(script, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, f"There is no {tmp_path}/auth.secret_key.\n")


def test_example_holds_no_value() -> None:
    listed = yaml.safe_load_all((FOLDER / "secrets.example.yaml").read_text())
    assert {value for one in listed for value in one["stringData"].values()} == {""}
