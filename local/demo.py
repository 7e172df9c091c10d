"""Play a customer's first order through the gateway and show what each event did."""

import json
import secrets
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx

from local.commands import run_together
from local.errors import PlatformError
from local.home import SERVICES
from local.output import Output
from local.plan import Plan

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
        order_id = _Customer(client, output).buy()
    output.say()
    output.say("What its events did:")
    _show_events(plan, output, order_id)


class _Customer:
    """Someone who was never here before."""

    def __init__(self, client: httpx.Client, output: Output) -> None:
        self._client = client
        self._output = output
        self._headers: dict[str, str] = {}

    def buy(self) -> str:
        """Place and pay an order; return its id."""
        self._join()
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
        return str(order["id"])

    def _join(self) -> None:
        email = f"demo-{secrets.token_hex(5)}@souk.example"
        password = secrets.token_urlsafe(18)
        self._call(
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
        name = str(products[0]["name"])
        found = (
            self._call(
                "search",
                "GET",
                f"{path}?in_stock=true&q={name.rsplit(maxsplit=1)[-1]}",
                tell=lambda body: (
                    f"{len(body['results'])} found for “{name.rsplit(maxsplit=1)[-1]}”"
                ),
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


def _show_events(plan: Plan, output: Output, order_id: str) -> None:
    events = _read_events(plan, order_id)
    published = sorted(
        (
            (event["at"], service, event)
            for service, log in events.items()
            for event in log["published"]
        ),
        key=lambda row: (row[0], row[2].get("sequence", 0)),
    )
    for _, service, event in published:
        output.say(f"  {event['type']:<14} published by {service}")
        for consumer, log in events.items():
            for handled in log["handled"]:
                if handled["id"] == event["id"]:
                    output.say(f"  {'':<14}   {consumer}: {_effect(handled)}")


def _effect(handled: dict[str, Any]) -> str:
    if not handled["at"]:
        return f"not handled yet ({handled['error'] or 'waiting'})"
    taken = datetime.fromisoformat(handled["at"]) - datetime.fromisoformat(handled["published_at"])
    what = handled["effect"] or handled["consumer"]
    return f"{what} ({max(0.0, taken.total_seconds()) * 1000:.0f} ms after the event)"


def _read_events(plan: Plan, order_id: str) -> dict[str, dict[str, Any]]:
    """Return each service's events of the order; order, which publishes them, is asked first.

    A consumer can only wait for what reached it: it is asked again until order.paid is there.
    """
    command = ("event_log", "--subject", order_id, "--wait", str(_EVENT_SECONDS), "--json")
    deadline = time.monotonic() + _EVENT_SECONDS
    texts = run_together(plan, {"order": command})
    while True:
        texts |= run_together(plan, {one: command for one in SERVICES if one != "order"})
        events = {service: json.loads(texts[service]) for service in SERVICES}
        if any(one["type"] == "order.paid" for one in events["catalog"]["handled"]):
            return events
        if time.monotonic() > deadline:
            return events
