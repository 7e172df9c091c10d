"""Be the supervisord of a home; run as a script, in the home's folder, by `supervision.start`."""

import sys
from pathlib import Path

if __name__ == "__main__":
    # The checkout instead of this folder, so that supervisord can load `local.restarts`.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

    from supervisor.supervisord import main

    main(sys.argv[1:])
