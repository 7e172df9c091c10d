"""Ends a platform when its input closes: with the tests, however they end.

`python -m tests.system.keeper FOLDER NAME` is started before the platform, whose home is NAME in
FOLDER, in a session of its own, so that neither Ctrl-C nor a killed pytest leaves processes or
files behind.
"""

import shutil
import signal
import sys
from pathlib import Path

from local import lifecycle, processes
from local.home import Home

# A start that was under way when the tests were killed ends by itself, or is over by then.
_LOCK_SECONDS = 60


def main(folder: Path, name: str) -> None:
    """Wait for the end of the input, then stop what runs in the home, and take the folder away."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.stdin.read()
    home = Home(folder / name)
    try:
        if home.path.is_dir():
            with home.lock(wait_seconds=_LOCK_SECONDS):
                lifecycle.stop(home)
    finally:
        processes.end(home)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
