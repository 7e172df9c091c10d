"""Run the tests of the containers, or say that there is no engine to run them with.

`python -m tests.containers [-- PYTEST OPTIONS]`. Without an engine it fails, unless SOUK_CONTAINERS is
`optional`.
"""

import os
import sys

from tests import run
from tests.containers.engine import why_there_is_none


def main(arguments: list[str]) -> int:
    """Return 0 when all is well, or when nothing could be run and need not be."""
    reason = why_there_is_none()
    if reason is None:
        return run.main(["containers", *arguments])
    print(f"The containers were not tested: {reason}.")
    return 0 if os.environ.get("SOUK_CONTAINERS") == "optional" else 1


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
