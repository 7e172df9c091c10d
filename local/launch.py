"""Become one process of the platform, with exactly the environment written down for it.

supervisord runs this file as a script: `python -IS launch.py NAME`. It reads the folder, the
variables and the command from a file of mode 0600 and replaces itself, so that the id that
supervisord knows is the process's own, no secret is on a command line and nothing of
supervisord's environment is inherited. Standard library only, and as little of it as possible.
"""

import json
import os
import sys


def main() -> None:
    """Replace this process by the one named on the command line."""
    file = os.path.join(os.environ["SOUK_INSTANCE"], "run", "processes", f"{sys.argv[1]}.json")  # noqa: PTH118 - pathlib doubles the start time
    with open(file, encoding="utf-8") as stream:  # noqa: PTH123 - the same
        process = json.load(stream)
    health_file = process["environment"].get("HEALTH_FILE")
    if health_file and os.path.exists(health_file):  # noqa: PTH110 - the same
        os.remove(health_file)  # noqa: PTH107 - the same; what a predecessor claimed no longer holds
    os.umask(process["umask"])
    os.chdir(process["directory"])
    os.execve(process["command"][0], process["command"], process["environment"])  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()
