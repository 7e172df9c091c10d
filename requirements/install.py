"""Make .venv and install a lock into it, unless that is done already.

`python3 requirements/install.py local` (or dev, or bench; checkov goes into .venv-checkov). It runs before anything is installed
and must tell an old Python what is wrong, so: standard library and plain Python 3.7 only.
"""

from __future__ import annotations

import errno
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
# What must not meet the others' packages has an environment of its own.
APART = {"checkov": ROOT / ".venv-checkov"}
OLDEST = (3, 11)
# A lock holds, with the same pins, what the locks named here hold (`make lock` sees to it).
HOLDS = {"local": (), "dev": ("local",), "bench": ("dev", "local"), "checkov": ()}

MADE_ROOM = 64 * 2**20  # bytes: what a virtual environment with pip alone takes
NO_ROOM = "There is no room left on the disk for .venv (about 700 MB): free some and run it again."
REASONS = (
    (r"No space left on device|Errno 28|Disk quota exceeded", NO_ROOM),
    (
        r"DO NOT MATCH THE HASHES",
        "A downloaded package is not the one that the lock names: its hash differs.",
    ),
    (
        r"NewConnectionError|NameResolution|[Tt]imed? ?out|Connection (refused|reset)|ProxyError|SSL",
        "The Python package index could not be reached: check the network or pip's settings.",
    ),
    (
        r"No matching distribution found for (\S+)",
        r"The package index has no \1 for this Python and machine.",
    ),
    (r"Permission denied|Errno 13", "The folder .venv cannot be written by this user."),
)


def main(lock: str) -> None:
    """Install the lock; print nothing when it is installed already."""
    if sys.version_info < OLDEST:
        version = ".".join(str(part) for part in sys.version_info[:3])
        fail(
            "Souk needs Python 3.11 or newer, and {} is {}: install a newer one, or name it "
            "as in `make run PYTHON=python3.12`.".format(sys.executable, version)
        )
    venv = venv_of(lock)
    if not venv_works(venv):
        make_venv(venv)
    if not is_installed(lock):
        install(lock)


def venv_of(lock: str) -> Path:
    """Return the virtual environment of a lock."""
    return APART.get(lock, VENV)


def python_of(venv: Path) -> Path:
    """Return the Python of a virtual environment."""
    return venv / "bin" / "python"


def venv_works(venv: Path) -> bool:
    """Tell whether it has a Python that runs and is new enough."""
    if not python_of(venv).exists():
        return False
    code = "import sys; sys.exit(sys.version_info < {!r})".format(OLDEST)
    answer = subprocess.run(
        [str(python_of(venv)), "-I", "-c", code], stderr=subprocess.DEVNULL, check=False
    )
    return answer.returncode == 0


def make_venv(venv: Path) -> None:
    """Make it anew; a folder of that name which is none stays as it is."""
    if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
        fail(
            "This Python cannot make virtual environments: on Debian or Ubuntu install the "
            "package python3-venv (`apt install python3-venv`) and run it again."
        )
    if venv.exists() and any(venv.iterdir()) and not (venv / "pyvenv.cfg").exists():
        fail(
            "The folder {} is no virtual environment: move it away and run it again.".format(
                venv.name
            )
        )
    say("Making {} with Python {}.{}".format(venv.name, *sys.version_info[:2]))
    answer = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", str(venv)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        universal_newlines=True,
        check=False,
    )
    if answer.returncode != 0:
        if shutil.disk_usage(str(venv.parent)).free < MADE_ROOM:
            answer.stdout += "No space left on device"  # venv does not pass on what pip said
        # Half a virtual environment would look like a whole one the next time.
        shutil.rmtree(str(venv), ignore_errors=True)
        explain(answer.stdout.splitlines())


def is_installed(lock: str) -> bool:
    """Tell whether the lock was installed as it is now."""
    stamp = stamp_of(lock)
    return stamp.exists() and stamp.read_bytes() == lock_file(lock).read_bytes()


def install(lock: str) -> None:
    """Install the lock with pip, and note which content was installed."""
    total = len(re.findall(r"^[\w.-]+==", lock_file(lock).read_text(), re.MULTILINE))
    name = lock_file(lock).relative_to(ROOT)
    if not sys.stdout.isatty():
        say("Installing the {} packages of {}; the first time takes a minute".format(total, name))
    started = time.monotonic()
    command = [
        *(str(python_of(venv_of(lock))), "-m", "pip", "install", "--require-hashes", "--no-deps"),
        *("--no-input", "--disable-pip-version-check", "--progress-bar", "off"),
        *("--requirement", str(lock_file(lock))),
    ]
    lines, status = [], 1
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True
    ) as pip:
        for line in pip.stdout or ():
            lines.append(line.rstrip())
            show_progress(lines, total, name)
        status = pip.wait()
    if sys.stdout.isatty():
        sys.stdout.write("\r\x1b[K")
    if status != 0:
        explain(lines)
    for installed in (lock, *HOLDS[lock]):
        stamp_of(installed).write_bytes(lock_file(installed).read_bytes())
    say("Installed {} ({} packages) in {:.0f} s".format(name, total, time.monotonic() - started))


def show_progress(lines: list[str], total: int, name: Path) -> None:
    """Show on a terminal how far pip is."""
    if not sys.stdout.isatty():
        return
    seen = sum(line.startswith(("Collecting ", "Requirement already")) for line in lines)
    doing = "{} of {}".format(seen, total)
    if lines[-1].startswith("Installing collected"):
        doing = "unpacking"
    sys.stdout.write("\r\x1b[KInstalling {}: {}".format(name, doing))
    sys.stdout.flush()


def explain(lines: list[str]) -> None:
    """End with the one sentence that fits what pip or venv said, else with its last lines."""
    text = "\n".join(lines)
    for pattern, sentence in REASONS:
        match = re.search(pattern, text)
        if match:
            fail(match.expand(sentence))
    fail("\n".join([*lines[-15:], "The installation failed; pip's last lines are above."]))


def lock_file(lock: str) -> Path:
    """Return the file of a lock."""
    return ROOT / "requirements" / "{}.txt".format(lock)


def stamp_of(lock: str) -> Path:
    """Return the copy that is kept of a lock that was installed."""
    return venv_of(lock) / "installed-{}.txt".format(lock)


def say(message: str) -> None:
    """Print at once: pip's silence follows."""
    print(message, flush=True)


def fail(message: str) -> None:
    """End with a message and exit code 1."""
    sys.exit(message)


if __name__ == "__main__":
    os.environ["LC_ALL"] = "C.UTF-8"  # pip's and the system's messages are read above
    try:
        main(sys.argv[1])
    except KeyboardInterrupt:
        sys.exit("\nStopped; run it again to go on.")
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        fail(NO_ROOM)
