"""Play a customer's first order through the gateway and show what each event did."""

import json
import secrets
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import httpx

from local.commands import run_together
from local.errors import PlatformError
from local.home import SERVICES
from local.output import Output
from local.plan import Plan

Logs = dict[str, dict[str, list[dict[str, Any]]]]
"""What `event_log --json` prints, by service."""

_SECONDS = 10
_EVENT_SECONDS = 10
_OK, _CREATED = 200, 201
_ADDRESS = {
    "name": "Ada Demo",
    "line1": "1 Market Square",
    "city": "Vienna",
    "postal_code": "1010",
    "country": "AT",
}


def play(plan: Plan, output: Output) -> None:
    """Register, log in, browse, search, order, pay; print each step and each event.

    Raises: PlatformError when a step does not answer as the contract says.
    """
    output.say("The first order, through the gateway:")
    with httpx.Client(base_url=plan.public_url, timeout=_SECONDS, trust_env=False) as client:
        subjects = _Customer(client, output).buy()
    output.say()
    output.say("What its events did:")
    _show_events(plan, output, subjects)


class _Customer:
    """Someone who was never here before."""

    def __init__(self, client: httpx.Client, output: Output) -> None:
        self._client = client
        self._output = output
        self._headers: dict[str, str] = {}

    def buy(self) -> tuple[str, str]:
        """Place and pay an order; return the ids of the customer and the order."""
        user = self._join()
        product = self._choose()
        order = self._call(
            "order",
            "POST",
            "/api/v1/orders",
            status=_CREATED,
            json={"lines": [{"sku": product["sku"], "quantity": 1}], "shipping_address": _ADDRESS},
            idempotent=True,
            tell=lambda body: (
                f"{body['number']} {body['status']}, {body['total']} {body['currency']}"
            ),
        )
        self._call(
            "pay",
            "POST",
            f"/api/v1/orders/{order['id']}/payments",
            status=_CREATED,
            json={"method": "sandbox", "token": "tok_ok"},
            idempotent=True,
            tell=lambda body: f"payment {body['status']}",
        )
        return str(user["id"]), str(order["id"])

    def _join(self) -> dict[str, Any]:
        email = f"demo-{secrets.token_hex(5)}@souk.example"
        password = secrets.token_urlsafe(18)
        user = self._call(
            "register",
            "POST",
            "/api/v1/auth/register",
            status=_CREATED,
            json={"email": email, "password": password, "name": "Ada Demo"},
            tell=lambda body: f"{body['email']} as {body['role']}",
        )
        tokens = self._call(
            "log in",
            "POST",
            "/api/v1/auth/token",
            json={"email": email, "password": password},
            tell=lambda body: f"access token for {body['expires_in']} s",
        )
        self._headers = {"Authorization": f"Bearer {tokens['access']}"}
        return user

    def _choose(self) -> dict[str, Any]:
        path = "/api/v1/catalog/products"
        products = self._call(
            "browse",
            "GET",
            f"{path}?in_stock=true&limit=20",
            tell=lambda body: f"{len(body['results'])} products on the first page",
        )["results"]
        if not products:
            raise PlatformError("The shop has no product in stock; start it without --no-seed.")
        word = str(products[0]["name"]).rsplit(maxsplit=1)[-1]
        found = (
            self._call(
                "search",
                "GET",
                f"{path}?{urlencode({'in_stock': 'true', 'q': word})}",
                tell=lambda body: f"{len(body['results'])} found for “{word}”",
            )["results"]
            or products
        )
        return self._call(
            "look at",
            "GET",
            f"{path}/{found[0]['slug']}",
            tell=lambda body: f"{body['name']}, {body['price']} {body['currency']}",
        )

    def _call(
        self,
        step: str,
        method: str,
        path: str,
        *,
        tell: Callable[[dict[str, Any]], str],
        status: int = _OK,
        json: dict[str, Any] | None = None,
        idempotent: bool = False,
    ) -> dict[str, Any]:
        """Send one request; print the step, its time and what came of it."""
        key = {"Idempotency-Key": secrets.token_hex(16)} if idempotent else {}
        started = time.perf_counter()
        try:
            answer = self._client.request(method, path, json=json, headers={**self._headers, **key})
        except httpx.HTTPError as error:
            raise PlatformError(f"The step “{step}” got no answer: {error}.") from error
        taken = (time.perf_counter() - started) * 1000
        if answer.status_code != status:
            raise PlatformError(
                f"The step “{step}” answered {_reason(answer)} instead of {status}."
            )
        try:
            body: dict[str, Any] = answer.json()
            told = tell(body)
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise PlatformError(
                f"The step “{step}” answered in another shape: {error!r}."
            ) from error
        self._output.say(
            f"  {step:<10} {taken:6.0f} ms  {method:<4} {path.partition('?')[0]}  {told}"
        )
        return body


def _reason(answer: httpx.Response) -> str:
    try:
        problem = answer.json()
        return f"{answer.status_code} ({problem.get('code')}: {problem.get('detail')})"
    except (ValueError, AttributeError):
        return str(answer.status_code)


def _show_events(plan: Plan, output: Output, subjects: Sequence[str]) -> None:
    logs = _read_events(plan, subjects)
    for service, event in _published(logs):
        output.say(f"  {event['type']:<16} published by {service}")
        for consumer, log in logs.items():
            for handled in log["handled"]:
                if handled["id"] == event["id"]:
                    output.say(f"  {'':<16}   {consumer}: {_effect(handled)}")


def _published(logs: Logs) -> list[tuple[str, dict[str, Any]]]:
    """Return publisher and event, in the order in which they happened."""
    events = [(service, event) for service, log in logs.items() for event in log["published"]]
    return sorted(events, key=lambda row: (row[1]["at"], row[1]["sequence"]))


def _effect(handled: dict[str, Any]) -> str:
    if not handled["at"]:
        return f"not handled yet ({handled['error'] or 'waiting'})"
    taken = datetime.fromisoformat(handled["at"]) - datetime.fromisoformat(handled["published_at"])
    what = handled["effect"] or handled["consumer"]
    return f"{what} ({max(0.0, taken.total_seconds()) * 1000:.0f} ms after the event)"


def _read_events(plan: Plan, subjects: Sequence[str]) -> Logs:
    """Return what each service published and handled; wait a while until all of it is handled.

    A service can only wait for what reached it, so the consumers are asked again until each has
    handled what the publishers sent to it.
    """
    named = [option for subject in subjects for option in ("--subject", subject)]
    command = ("event_log", *named, "--wait", str(_EVENT_SECONDS), "--json")
    deadline = time.monotonic() + _EVENT_SECONDS
    while True:
        texts = run_together(plan, dict.fromkeys(SERVICES, command))
        logs: Logs = {service: json.loads(texts[service]) for service in SERVICES}
        if _all_handled(logs) or time.monotonic() > deadline:
            return logs


def _all_handled(logs: Logs) -> bool:
    handled = {(one["id"], name) for name, log in logs.items() for one in log["handled"]}
    return all(
        (event["id"], consumer) in handled
        for _, event in _published(logs)
        for consumer in event["consumers"]
    )
