"""What somebody with one service's way to the broker can do to the others."""

import base64
import json
import pickle
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

import httpx
import pytest
import redis
from redis.exceptions import NoPermissionError

from local.home import SERVICES, parse_variables
from tests.attacks.accounts import Account
from tests.system.platform import PRODUCTS, Platform, wait_until

STOLEN = "catalog"
COMMANDS = (
    "FLUSHALL",
    "FLUSHDB",
    "SHUTDOWN",
    "CONFIG GET *",
    "ACL LIST",
    "KEYS *",
    "SCAN 0",
    "MONITOR",
    "CLIENT LIST",
    "INFO",
    "EVAL return(1) 0",
    "SUBSCRIBE any",
    "PUBLISH any x",
    "SELECT 1",
)

TOUCHING = (
    "LPUSH {key} x",
    "RPUSH {key} x",
    "LPOS {key} x",
    "LRANGE {key} 0 -1",
    "LLEN {key}",
    "BRPOP {key} 1",
    "RPOP {key}",
    "DEL {key}",
    "SET {key} x",
    "EXPIRE {key} 1",
    "RENAME {key} souk.catalog.catalog",
    "HGET {key} x",
    "HSET {key} x y",
    "ZRANGE {key} 0 -1",
)
"""What might read a key or change it."""


def message(task: str, *arguments: str, **changes: Any) -> str:
    """Return a message as Celery writes it, with changes."""
    body = base64.b64encode(json.dumps([arguments, {}, {}]).encode()).decode()
    properties = {
        "body_encoding": "base64",
        "delivery_tag": "1",
        # The queue that its sender would like it to be put back on.
        "delivery_info": {"exchange": "", "routing_key": "souk.catalog.order"},
    }
    whole = {
        "body": body,
        "content-type": "application/json",
        "content-encoding": "utf-8",
        "headers": {"task": task, "id": str(uuid4())},
        "properties": properties,
    }
    return json.dumps(whole | changes)


def paid(order_id: str, source: str = "order") -> dict[str, Any]:
    """Return the event that makes catalog let go of the stock of an order."""
    return {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": f"urn:souk:service:{source}",
        "type": "order.paid",
        "subject": order_id,
        "time": "2026-01-01T00:00:00Z",
        "datacontenttype": "application/json",
        "dataschema": "urn:souk:event:order.paid:v1",
        "data": {"order_id": order_id, "number": 1},
        "sequence": "2",
        "requestid": "forged",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    }


class Stolen:
    """One service's way to the broker, and the operator's to see what comes of it."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.broker = redis.Redis.from_url(self.url("BROKER_URL"))

    def url(self, name: str, service: str = STOLEN) -> str:
        file = self.platform.home / "env" / f"{service}.env"
        return parse_variables(file.read_text(encoding="utf-8"))[name]

    def refused(self, service: str) -> list[dict[str, Any]]:
        """Return what a service refused, the newest first."""
        page: list[dict[str, Any]] = json.loads(
            self.platform.run(
                service, "dead_letters", "list", "--consumer", f"{service}.refused", "--json"
            ).stdout
        )
        return page


@pytest.fixture(scope="module")
def stolen(platform: Platform) -> Iterator[Stolen]:
    """Return what a thief has who has read catalog's variables."""
    one = Stolen(platform)
    yield one
    one.broker.close()


def refusing(broker: redis.Redis, key: str, *commands: str) -> list[str]:
    """Return the commands on a key, all of them unless some are given, for which it has no permission."""
    found = []
    for command in commands or TOUCHING:
        try:
            broker.execute_command(*command.format(key=key).split())
        except NoPermissionError:
            found.append(command)
    return found


def stock(staff: Account, product: Mapping[str, Any]) -> dict[str, int]:
    answer: httpx.Response = staff.client.get(f"{PRODUCTS}/{product['slug']}/stock")
    return {name: answer.json()[name] for name in ("on_hand", "reserved")}


class TestBroker:
    @pytest.mark.parametrize("command", COMMANDS)
    def test_takes_no_command_that_is_for_operators(self, stolen: Stolen, command: str) -> None:
        with pytest.raises((NoPermissionError, redis.ResponseError)) as caught:
            stolen.broker.execute_command(*command.split())
        if not command.startswith("SELECT"):  # there is but one database
            assert isinstance(caught.value, NoPermissionError)

    @pytest.mark.parametrize(
        "queue",
        [
            f"souk.{consumer}.{producer}"
            for consumer in SERVICES
            for producer in SERVICES
            if STOLEN not in (producer, consumer)
        ],
    )
    def test_opens_no_queue_between_others(self, stolen: Stolen, queue: str) -> None:
        assert refusing(stolen.broker, queue) == list(TOUCHING)

    @pytest.mark.parametrize("consumer", [name for name in SERVICES if name != STOLEN])
    def test_lets_a_producer_add_to_its_queue_and_nothing_else(
        self, stolen: Stolen, consumer: str
    ) -> None:
        # What it adds is an empty list of events, which says nothing to anybody.
        key = f"souk.{consumer}.{STOLEN}"
        assert refusing(stolen.broker, key, *TOUCHING[1:]) == list(TOUCHING[1:])
        assert stolen.broker.lpush(key, message("souk.deliver", "[]"))

    @pytest.mark.parametrize("key", ["souk.order.junk.catalog", "souk.order.unacked.catalog"])
    def test_lets_nobody_add_what_no_service_takes(self, stolen: Stolen, key: str) -> None:
        assert refusing(stolen.broker, key) == list(TOUCHING)

    @pytest.mark.parametrize("key", ["souk.order.unacked", "souk.order.unacked.index"])
    def test_hides_what_another_has_not_acknowledged(self, stolen: Stolen, key: str) -> None:
        assert refusing(stolen.broker, key) == list(TOUCHING)

    def test_opens_no_other_services_part_of_the_cache(self, stolen: Stolen) -> None:
        with redis.Redis.from_url(stolen.url("CACHE_URL")) as cache:
            cache.set("catalog:1:own", "x", ex=1)
            for command in (("GET", "auth:1:x"), ("SET", "auth:1:x", "y"), ("FLUSHDB",)):
                with pytest.raises(NoPermissionError):
                    cache.execute_command(*command)


class TestForgedEvent:
    def test_of_another_service_cannot_be_put_on_its_queue(self, stolen: Stolen) -> None:
        # Not with catalog's: whoever empties a queue puts back on it what was not acknowledged.
        text = message("souk.deliver", json.dumps([paid(str(uuid4()))]))
        with (
            redis.Redis.from_url(stolen.url("BROKER_URL", "auth")) as broker,
            pytest.raises(NoPermissionError),
        ):
            broker.lpush("souk.catalog.order", text)

    @pytest.mark.parametrize("source", ["order", "catalog"])
    def test_on_the_thiefs_own_queue_changes_nothing(
        self, stolen: Stolen, staff: Account, customer: Account, source: str
    ) -> None:
        product = staff.client.add_product(on_hand=5)
        placed = customer.client.place(product["sku"])
        assert placed.status_code == 201, placed.text
        before = stock(staff, product)
        event = paid(placed.json()["id"], source)
        stolen.broker.lpush("souk.catalog.catalog", message("souk.deliver", json.dumps([event])))
        wait_until(
            lambda: any(one["subject"] == event["subject"] for one in stolen.refused("catalog")),
            seconds=30,
            what="the forged event refused",
        )
        assert stock(staff, product) == before == {"on_hand": 5, "reserved": 1}


class TestPoison:
    """On the queue that the thief may write to, and order empties."""

    def test_is_kept_and_holds_nobody_up(
        self, stolen: Stolen, staff: Account, customer: Account
    ) -> None:
        pickled = base64.b64encode(pickle.dumps("x")).decode()
        python = "application/x-python-serialize"
        again = {"task": "souk.deliver", "args": ["[]"], "kwargs": {}, "options": {}}
        poison = {
            "pickle": message("souk.deliver", **{"body": pickled, "content-type": python}),
            "content_type": message("souk.deliver", "[]", **{"content-type": "text/plain"}),
            "unknown": message(f"unknown.{uuid4()}", "[]"),
            "own_task": message("catalog.import_products", str(uuid4())),
            "text": f"no JSON {uuid4()}",
            "deep": "[" * 200_000,
        }
        had = len(stolen.refused("order"))
        worker = stolen.platform.row("order", "worker")["pid"]
        stolen.broker.lpush("souk.order.catalog", *poison.values())
        chained = base64.b64encode(json.dumps([["[]"], {}, {"chain": [again]}]).encode()).decode()
        stolen.broker.lpush("souk.order.catalog", message("souk.deliver", body=chained))
        product = staff.client.add_product(on_hand=1)
        order = customer.client.buy(product["sku"])
        log = stolen.platform.event_log("order", order["id"], consumed=2)
        assert all(event["effect"] for event in log["handled"])
        wait_until(
            lambda: len(stolen.refused("order")) == had + len(poison),
            seconds=30,
            what="each kept as a dead letter",
        )
        assert stolen.platform.row("order", "worker")["pid"] == worker
