"""The broker loses, repeats and swaps what it is given: the API goes on, and each event has one effect."""

import random
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

import pytest

from tests.faults import broker, locks, workload
from tests.faults.bus import WITHIN_SECONDS_AFTER_A_KILL, Bus
from tests.faults.workload import Load
from tests.system.platform import ORDERS, Client, Platform, wait_until

FROZEN_SECONDS: Final = 30
COPIES: Final = 10_000
PACK: Final = 10


def empty(platform: Platform, load: Load) -> None:
    """Empty the broker while messages wait in it."""
    with platform.frozen("order", "worker"), broker.administered(platform) as client:
        load.go_on()
        client.flushall()


def wipe(platform: Platform, load: Load) -> None:
    """Kill the broker and let it begin with an empty directory while messages wait in it."""
    with platform.frozen("order", "worker"):
        load.go_on()
        broker.wipe(platform)


def freeze(platform: Platform, load: Load) -> None:
    """Let the broker stand still for a while."""
    with platform.frozen("platform", "redis"):
        time.sleep(FROZEN_SECONDS)


class TestBroker:
    @pytest.mark.parametrize("hurt", [empty, wipe, freeze])
    def test_hurt_costs_no_request_and_no_event(
        self, platform: Platform, bus: Bus, hurt: Callable[[Platform, Load], None]
    ) -> None:
        with workload.running(platform) as load:
            load.go_on()
            hurt(platform, load)
            load.go_on()
        load.assert_all_answered()
        platform.wait_until_well()
        bus.assert_converged(seed=load.seed)

    def test_emptied_in_a_task_loses_nothing(
        self, platform: Platform, bus: Bus, customer: Client, product: Mapping[str, Any]
    ) -> None:
        order_id = customer.place(product["sku"], 3).json()["id"]
        with locks.held(platform, "catalog", locks.STOCK, product["sku"]):
            assert customer.pay(order_id).status_code == 201
            locks.wait_for_blocked(platform, "catalog", locks.MOVES_STOCK)
            with broker.administered(platform) as client:
                client.flushall()
        bus.assert_converged()

    def test_down_keeps_nobody_in_who_was_closed_out(
        self, platform: Platform, bus: Bus, staff: Client
    ) -> None:
        """The deny entries come by the sweep."""
        user, admin = platform.register(), platform.demo_user("admin")
        user_id = user.get("/api/v1/auth/me").json()["id"]
        assert user.get(ORDERS).status_code == 200
        with platform.without("platform", "redis"):
            path = f"/api/v1/auth/users/{user_id}"
            assert admin.http.patch(path, json={"is_active": False}).status_code == 200
            closed_at = time.monotonic()
            for service in ("order", "catalog"):
                wait_until(
                    partial(is_refused, user, PATHS[service]),
                    seconds=30,
                    what=f"the user refused by {service}",
                )
            print(f"refused {time.monotonic() - closed_at:.1f} s after, without a broker")
        bus.assert_converged()


def is_refused(user: Client, path: str) -> bool:
    """Tell whether a request with the user's token is."""
    return user.get(path).status_code == 401


PATHS: Final = {"order": ORDERS, "catalog": "/api/v1/catalog/products?limit=1"}


class TestMessages:
    def test_of_one_event_ten_thousand_times_have_one_effect(
        self, platform: Platform, bus: Bus, customer: Client, product: Mapping[str, Any]
    ) -> None:
        with broker.administered(platform) as client:
            with platform.without("catalog", "worker"):
                customer.buy(product["sku"], 3)
                queue = "souk.catalog.order"
                wait_until(lambda: bus.is_published("order"), seconds=20, what="events")
                messages = broker.take(client, queue)
                copied = [event for one in messages for event in broker.events_in(one)]
                pack = (copied * PACK)[:PACK]
                copies = [broker.with_events(messages[0], pack) for _ in range(COPIES // PACK)]
                broker.put(client, queue, copies)
            wait_until(
                lambda: not client.exists(queue) and not client.exists("souk.catalog.unacked"),
                seconds=120,
                what="every copy handled",
            )
        bus.assert_converged()

    def test_in_any_order_have_the_effect_of_the_right_one(
        self, platform: Platform, bus: Bus
    ) -> None:
        with (
            broker.administered(platform) as client,
            platform.without("catalog", "worker"),
            platform.without("order", "worker"),
        ):
            with workload.running(platform) as load:
                load.go_on(120)
            dice = random.Random(load.seed)
            for service in ("auth", "catalog", "order"):
                wait_until(
                    partial(bus.is_published, service),
                    seconds=20,
                    what=f"all of {service} published",
                )
            for queue in broker.queues(client):
                shuffle(client, queue, dice)
        load.assert_all_answered()
        bus.assert_converged(seed=load.seed, within=WITHIN_SECONDS_AFTER_A_KILL)


def shuffle(client: Any, queue: str, dice: random.Random) -> None:
    """Put the events of a queue's messages back one by one, in any order."""
    messages = broker.take(client, queue)
    single = [
        broker.with_events(message, [event])
        for message in messages
        for event in broker.events_in(message)
    ]
    dice.shuffle(single)
    broker.put(client, queue, single)
