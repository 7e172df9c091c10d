"""The commands of the whole platform: up, down, status, logs, doctor, demo, audit."""

import os
import sys
import time
from pathlib import Path

_STARTED = time.monotonic()


def main(argv: list[str]) -> int:
    """Run a command, `argv[0]` being its name; return the exit code.

    A failure that the user can do something about is one sentence on standard error.
    """
    if sys.version_info < (3, 11):
        sys.stderr.write("Souk needs Python 3.11 or later; this is %s.\n" % sys.version.split()[0])  # noqa: UP031 - an old Python runs this line
        return 1
    try:
        from local import arguments
        from local.errors import PlatformError
    except ModuleNotFoundError as error:
        own = Path(__file__).resolve().parent.parent / ".venv" / "bin" / "python"
        elsewhere = own.exists() and str(own) != sys.executable
        remedy = f"run it by {own}" if elsewhere else "run `make setup`"
        sys.stderr.write(f"The package {error.name} is missing in {sys.executable}; {remedy}.\n")
        return 1
    try:
        return arguments.run(argv, _STARTED)
    except PlatformError as error:
        reason = str(error)
    except KeyboardInterrupt:
        reason = "Interrupted."
    except BrokenPipeError:
        # The reader of a pipe (`... logs | head`) has gone; nothing more can be told to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        reason = f"The system refused: {error}."
    sys.stderr.write(f"{reason}\n")
    return 1
