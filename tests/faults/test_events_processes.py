"""Relays, workers and the database are killed, frozen, or there twice, while clients make events."""

import signal
from collections.abc import Mapping
from typing import Any, Final

import pytest

from tests.faults import broker, locks, processes, workload
from tests.faults.bus import WITHIN_SECONDS_AFTER_A_KILL, Bus
from tests.system.platform import Client, Platform, wait_until

LOCK_EVENT: Final = "SELECT 1 FROM outbox WHERE id = %s FOR UPDATE"
MARKS_EVENTS: Final = "%UPDATE outbox SET published_at%"


class TestRelay:
    def test_killed_between_publish_and_mark_publishes_twice_to_one_effect(
        self, platform: Platform, bus: Bus, customer: Client, product: Mapping[str, Any]
    ) -> None:
        with broker.administered(platform) as client, platform.without("catalog", "worker"):
            client.client_pause(20_000, all=False)  # the relay numbers the event, and has to wait
            order_id = customer.place(product["sku"], 3).json()["id"]
            event = bus.wait_for_position("order", "order.placed", order_id)
            with locks.held(platform, "order", LOCK_EVENT, event):
                client.client_unpause()
                session = locks.wait_for_blocked(platform, "order", MARKS_EVENTS)
                published = broker.waiting(client, event)
                assert published >= 1
                killed = platform.kill("order", "relay")
                locks.end_session(platform, "order", session)
            processes.wait_for_next(platform, "order", "relay", killed["pid"])
            wait_until(
                lambda: broker.waiting(client, event) > published,
                seconds=20,
                what="the event published again",
            )
        bus.assert_converged()
        (row,) = bus.inbox("catalog", event)
        assert row["effect"] == "counted 3 units sold"

    def test_beside_another_publishes_and_is_followed_by_it(
        self, platform: Platform, bus: Bus
    ) -> None:
        with processes.second(platform, "order", "relay"), workload.running(platform) as load:
            load.go_on()
            killed = platform.kill("order", "relay")
            load.go_on()
            processes.wait_for_next(platform, "order", "relay", killed["pid"])
            load.go_on()
        load.assert_all_answered()
        bus.assert_converged(seed=load.seed)


class TestWorker:
    def test_killed_in_a_task_leaves_it_to_the_next(
        self, platform: Platform, bus: Bus, customer: Client, product: Mapping[str, Any]
    ) -> None:
        order_id = customer.place(product["sku"], 3).json()["id"]
        with workload.running(platform) as load:
            with locks.held(platform, "catalog", locks.STOCK, product["sku"]):
                assert customer.pay(order_id).status_code == 201
                locks.wait_for_blocked(platform, "catalog", locks.MOVES_STOCK)
                killed = platform.kill("catalog", "worker")
            processes.wait_for_next(platform, "catalog", "worker", killed["pid"])
            load.go_on()
        load.assert_all_answered()
        within = WITHIN_SECONDS_AFTER_A_KILL
        bus.assert_converged(seed=load.seed, within=within, may_repeat_mail=True)

    @pytest.mark.parametrize("service", ["catalog", "order"])
    def test_frozen_and_killed_leaves_what_it_took_off_the_queue(
        self, platform: Platform, bus: Bus, service: str
    ) -> None:
        pid = platform.row(service, "worker")["pid"]
        with workload.running(platform) as load:
            load.go_on(10)
            processes.send(pid, signal.SIGSTOP)
            load.go_on()
            processes.send(pid, signal.SIGKILL)
            processes.wait_for_next(platform, service, "worker", pid)
            load.go_on()
        load.assert_all_answered()
        within = WITHIN_SECONDS_AFTER_A_KILL
        bus.assert_converged(seed=load.seed, within=within, may_repeat_mail=True)

    def test_beside_another_sweeps_and_handles_each_event_once(
        self, platform: Platform, bus: Bus
    ) -> None:
        with (
            processes.second(platform, "catalog", "worker"),
            processes.second(platform, "order", "worker"),
            workload.running(platform) as load,
            broker.administered(platform) as client,
        ):
            load.go_on()
            client.flushall()
            load.go_on()
            client.flushall()
            load.go_on()
        load.assert_all_answered()
        bus.assert_converged(seed=load.seed)


class TestDatabase:
    def test_restarted_at_once_loses_nothing(self, platform: Platform, bus: Bus) -> None:
        pid = platform.row("platform", "postgres")["pid"]
        with workload.running(platform) as load:
            load.go_on()
            processes.send(pid, signal.SIGQUIT)  # immediate shutdown: what a crash leaves
            processes.wait_for_next(platform, "platform", "postgres", pid)
            platform.wait_until_well()
            load.go_on()
        assert not [one for one in load.failures if ": 503 " not in one and ": 502 " not in one]
        within = WITHIN_SECONDS_AFTER_A_KILL
        bus.assert_converged(seed=load.seed, within=within, may_repeat_mail=True)
