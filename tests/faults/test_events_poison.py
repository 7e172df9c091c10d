"""Events that cannot be handled, and messages that are none: each is a dead letter and holds nobody up."""

import base64
import pickle
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final
from uuid import uuid4

from tests.faults import broker, bus, workload
from tests.faults.broker import Message
from tests.faults.bus import Bus
from tests.system.platform import Client, Platform, wait_until

QUEUE: Final = "souk.catalog.order"
TAKE_CUSTOMER: Final = "DELETE FROM customer WHERE user_id = %s RETURNING *"
GIVE_CUSTOMER: Final = (
    "INSERT INTO customer (user_id, email, name, sequence) VALUES (%s, %s, %s, %s)"
)
# What back-off would make of two minutes: the last try, now.
LAST_TRY: Final = """
UPDATE inbox SET attempts = 7, not_before = clock_timestamp()
WHERE subject = %s AND attempts BETWEEN 1 AND 6 AND dead_at IS NULL RETURNING event_id::text AS id
"""


def execute(platform: Platform, statement: str, *values: Any) -> list[bus.Row]:
    """Run a statement in order's database; return its rows, if it has any."""
    with bus.connect(platform, "order") as connection:
        cursor = connection.execute(statement.encode(), values)
        return cursor.fetchall() if cursor.description else []


class TestPoison:
    def test_holds_nobody_up_and_is_mailed_once_redriven(
        self, platform: Platform, bus: Bus, product: Mapping[str, Any]
    ) -> None:
        """Nobody knows the address of one customer, so that no mail about his order can be sent."""
        unknown, other = platform.register(), platform.register()
        (customer,) = wait_until(
            lambda: execute(platform, TAKE_CUSTOMER, user_id_of(unknown)),
            seconds=20,
            what="the customer known to order",
        )
        order_id = unknown.place(product["sku"]).json()["id"]
        (row,) = wait_until(
            lambda: execute(platform, LAST_TRY, order_id), seconds=20, what="the first failure"
        )
        bought = other.buy(product["sku"])["id"]
        wait_until(lambda: is_mailed(platform, bought), seconds=20, what="the other's mails")
        poison = {("order.mail", row["id"])}
        wait_until(lambda: bus.dead() == poison, seconds=20, what="the dead letter")
        execute(platform, GIVE_CUSTOMER, *customer.values())
        bus.assert_converged(poison=poison)
        redriven = platform.run("order", "dead_letters", "redrive", "--id", row["id"])
        assert redriven.stdout == "1 dead letter redriven.\n", redriven.stderr
        bus.assert_converged()

    def test_messages_are_dead_letters_and_the_worker_goes_on(
        self, platform: Platform, bus: Bus, customer: Client, product: Mapping[str, Any]
    ) -> None:
        with broker.administered(platform) as client:
            with platform.without("catalog", "worker"):
                customer.place(product["sku"])
                wait_until(lambda: client.exists(QUEUE), seconds=20, what="a message")
                taken = broker.take(client, QUEUE)
                broker.put(client, QUEUE, [*bad_messages(taken[0]), *taken])
                client.lpush(QUEUE, "no JSON at all")
            with workload.running(platform) as load:
                load.go_on(40)
        load.assert_all_answered()
        wait_until(lambda: len(bus.dead()) == 5, seconds=20, what="five dead letters")
        assert Counter(consumer for consumer, _ in bus.dead()) == {
            "catalog.refused": 4,
            "catalog.commit_reservation": 1,
        }
        bus.assert_converged(seed=load.seed, poison=bus.dead())
        discarded = platform.run(
            "catalog", "dead_letters", "discard", "--all", "--reason", "Forged"
        )
        assert discarded.stdout == "5 dead letters discarded.\n", discarded.stderr
        bus.assert_converged(seed=load.seed)


def user_id_of(client: Client) -> str:
    return str(client.get("/api/v1/auth/me").json()["id"])


def is_mailed(platform: Platform, order_id: str) -> bool:
    """Tell whether a paid order's two mails are sent."""
    handled = "SELECT 1 FROM inbox WHERE subject = %s AND handled_at IS NOT NULL"
    return len(execute(platform, handled, order_id)) == 2


def bad_messages(message: Message) -> list[Message]:
    """Return what is no message of ours, made of one that is."""
    (event, *_) = broker.events_in(message)
    pickled = base64.b64encode(pickle.dumps([[], {}, {}])).decode()
    of_another = {**event, "id": str(uuid4()), "type": "user.deactivated"}
    unfit = {**event, "id": str(uuid4()), "type": "order.paid", "data": {"order_id": 5}}
    return [
        {**message, "body": pickled, "content-type": "application/x-python-serialize"},
        {**message, "headers": {**message["headers"], "task": "os.system"}},
        broker.with_events(message, [of_another]),
        broker.with_events(message, [unfit]),
    ]
