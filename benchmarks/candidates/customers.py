"""Tokens of customers who never registered, as auth would issue them.

`python -m benchmarks.candidates.customers 200` prints a JSON object of user ids and tokens; the
variables are those of a running auth service, whose key signs. Passwords would take a minute.
"""

import json
import sys


def main() -> None:
    """Print as many as the command line asks for."""
    import django

    django.setup()
    from django.contrib.auth import get_user_model
    from django.utils import timezone
    from django.utils.module_loading import import_string

    # By name: types are checked with one service's settings, and these need auth's.
    issue = import_string("apps.auth_service.tokens.issue_access_token")
    users = [get_user_model()() for _ in range(int(sys.argv[1]))]
    print(json.dumps({str(user.pk): issue(user, now=timezone.now()) for user in users}))


if __name__ == "__main__":
    main()
