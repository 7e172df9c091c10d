"""What a token costs: processor time of a request with one, above the same request without.

It is measured inside one process that calls the WSGI application itself: a difference of some
microseconds would drown in what sockets and threads take, and /proc counts in hundredths of a second.
The four kinds of request come in random order and each is timed by itself, so that what else the
machine does falls on all of them alike. PyJWT's decode is timed within a request too: it takes half
as much again there as in a loop of its own, which keeps its code and tables in the processor's caches.
"""

import gc
import io
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stderr
from pathlib import Path
from statistics import median
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from benchmarks.processes import ROOT
from tests.environment import environment

_MICRO: Final = 1_000_000
_REQUESTS: Final = 500
_KID: Final = "a-kid-as-long-as-a-thumbprint-of-rfc-7638-is"
_NONE: Final = "no token"
_PYJWT: Final = "a token, and PyJWT's decode alone"
_FIRST: Final = "a token seen for the first time"
_SEEN: Final = "a token seen before"
_HEADINGS: Final = ("a request with", "CPU", "above no token", "above PyJWT's decode")

Round = dict[str, float]
"""Microseconds by kind of request."""


def measure(rounds: int) -> list[Round]:
    """Return the rounds of a process of its own.

    Raises:
        SystemExit: it failed; the message is what it printed.
    """
    done = subprocess.run(
        [sys.executable, "-m", __name__, str(rounds)],
        cwd=ROOT,
        env={**os.environ, **environment("order"), "LOG_FORMAT": "json"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{done.stderr[-2000:]}\nthe benchmark of tokens failed")
    found: list[Round] = json.loads(done.stdout)
    return found


def markdown(rounds: Sequence[Round]) -> list[str]:
    """Return the figures as lines of a Markdown table: medians over the rounds."""
    rows = [_HEADINGS, tuple("---" for _ in _HEADINGS), *_rows(rounds)]
    return [f"| {' | '.join(row)} |" for row in rows]


def _rows(rounds: Sequence[Round]) -> Iterator[tuple[str, ...]]:
    yield _NONE, _figure(rounds, _NONE), "", ""
    yield _PYJWT, _figure(rounds, _PYJWT), _figure(rounds, _PYJWT, _NONE), ""
    for name in (_FIRST, _SEEN):
        yield (
            name,
            _figure(rounds, name),
            _figure(rounds, name, _NONE),
            _figure(rounds, name, _PYJWT),
        )


def _figure(rounds: Sequence[Round], name: str, base: str | None = None) -> str:
    values = [each[name] - (each[base] if base else 0) for each in rounds]
    return f"{median(values):.1f} µs ±{(max(values) - min(values)) / 2:.1f}"


def _run(rounds: int) -> list[Round]:
    """Measure in this process; round 0 warms up."""
    private = ec.generate_private_key(ec.SECP256R1())
    application = _application(private.public_key())
    gc.collect()
    gc.freeze()
    seen: list[str] = []
    found = []
    for _ in range(rounds + 1):
        tokens = _tokens(private)
        found.append(_round(application, fresh=tokens, seen=seen or tokens))
        seen = tokens
    return found[1:]


def _round(application: Callable[..., Any], *, fresh: Sequence[str], seen: Sequence[str]) -> Round:
    """Return the median request of each kind; `seen` are the tokens of the round before."""
    requests = [
        *((_NONE, _environ("/small", None)) for _ in fresh),
        *((_PYJWT, _environ("/decoded", token)) for token in fresh),
        *((_FIRST, _environ("/small", token)) for token in fresh),
        *((_SEEN, _environ("/small", token)) for token in seen),
    ]
    random.shuffle(requests)
    took: dict[str, list[float]] = {name: [] for name, _ in requests}
    for name, environ in requests:
        began = time.process_time()
        status, body = _ask(application, environ)
        took[name].append((time.process_time() - began) * _MICRO)
        if status != "200 OK" or (b"true" in body) != (name != _NONE):
            raise SystemExit(f"{name}: answered {status} {body!r}")
    return {name: median(values) for name, values in took.items()}


def _ask(application: Callable[..., Any], environ: dict[str, Any]) -> tuple[str, bytes]:
    statuses: list[str] = []
    response = application(environ, lambda status, _headers: statuses.append(status))
    body = b"".join(response)
    response.close()
    return statuses[0], body


def _environ(path: str, token: str | None) -> dict[str, Any]:
    bearer = {"HTTP_AUTHORIZATION": f"Bearer {token}"} if token else {}
    return {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": path,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "HTTP_HOST": "127.0.0.1:8000",
        "wsgi.input": io.BytesIO(),
        "wsgi.url_scheme": "http",
        **bearer,
    }


def _tokens(private: ec.EllipticCurvePrivateKey) -> list[str]:
    from tests.conftest import claims

    headers = {"typ": "at+jwt", "kid": _KID}
    return [jwt.encode(claims(), private, "ES256", headers=headers) for _ in range(_REQUESTS)]


def _application(public_key: ec.EllipticCurvePublicKey) -> Callable[..., Any]:
    """Return the order service's application with the small views in the place of its own.

    It knows the key and a deny list, as after its start; nobody is denied.
    """
    from django.conf import settings
    from django.core.wsgi import get_wsgi_application

    settings.ROOT_URLCONF = "benchmarks.candidates.small_view"
    application: Callable[..., Any] = get_wsgi_application()

    from benchmarks.candidates import small_view
    from chassis.tokens.deny import deny_list
    from chassis.tokens.keys import keyring

    public_jwk = jwt.algorithms.ECAlgorithm.to_jwk(public_key, as_dict=True)
    keyring.replace({"keys": [{**public_jwk, "kid": _KID, "alg": "ES256", "use": "sig"}]})
    deny_list.replace({})
    small_view.public_key = public_key
    return application


if __name__ == "__main__":
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere, redirect_stderr(nowhere):
        measured = _run(int(sys.argv[1]))
    print(json.dumps(measured))
