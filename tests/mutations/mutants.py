"""What is taken out of the code, one at a time, and the test that must notice it.

Each is an exact piece of text that its file has once, and what stands there instead. Where the code
has changed so that the piece is not found any more, it is to be written anew: a mutant is a promise
of ours that has a test.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Mutant:
    """A rule that is taken out."""

    name: str
    file: str
    before: str
    after: str
    suite: str
    test: str
    """Its node id, behind `tests/`."""


MUTANTS: Final = (
    Mutant(
        "inbox: an event is applied each time it comes",
        "chassis/events/inbox.py",
        "ON CONFLICT (consumer, event_id) DO NOTHING\n",
        "ON CONFLICT (consumer, event_id) DO UPDATE SET attempts = 0\n",
        "chassis",
        "chassis/events/test_inbox.py::TestReceive::test_handles_an_event_once_for_each_consumer",
    ),
    Mutant(
        "inbox: any service's word is taken for another's",
        "chassis/events/inbox.py",
        "    refuse_foreign(received, producer)\n    return received\n",
        "    return received\n",
        "chassis",
        "chassis/events/test_foreign.py::TestForeignEvent",
    ),
    Mutant(
        "inbox: no event waits for the one before it",
        "chassis/events/turns.py",
        "    return str(number - 1) if subscription.order is Order.GAPLESS and number > 1 else None\n",
        "    return None\n",
        "chassis",
        "chassis/events/test_turns.py::TestAnEventThatComesTooEarly"
        "::test_waits_for_its_predecessor_and_is_handled_behind_it",
    ),
    Mutant(
        "repair: a sweep reads nothing",
        "chassis/events/repair.py",
        "    for left in reversed(range(PAGES if place else 0)):\n",
        "    for left in reversed(range(0)):\n",
        "chassis",
        "chassis/events/test_repair.py::TestSweep::test_hands_over_what_the_inbox_lacks",
    ),
    Mutant(
        "repair: no worker sweeps",
        "chassis/management/commands/worker.py",
        "        sweeper.start()\n",
        "",
        "chassis",
        "chassis/events/test_repair.py::TestWorker"
        "::test_has_effects_and_ends_cleanly_while_the_broker_is_down",
    ),
    Mutant(
        "relay: two publish at once",
        "chassis/events/relay.py",
        "SELECT pg_try_advisory_lock(%s)",
        "SELECT %s::bigint IS NOT NULL",
        "chassis",
        "chassis/test_processes.py::TestRelay::test_stands_by_while_another_is_active_ends_or_takes_over",
    ),
    Mutant(
        "relay: marked before it is sent",
        "chassis/events/relay.py",
        "                self._publish(pack)\n                sent += [row.id for row in pack]\n",
        "                sent += [row.id for row in pack]\n                self._publish(pack)\n",
        "chassis",
        "chassis/events/test_relay.py::TestPublishBatch"
        "::test_marks_what_was_sent_before_the_broker_failed",
    ),
    Mutant(
        "worker: acknowledged before it is handled",
        "chassis/queue.py",
        "    task_acks_late=True,\n",
        "    task_acks_late=False,\n",
        "chassis",
        "chassis/test_processes.py::TestWorker"
        "::test_acknowledges_an_event_when_it_is_handled_and_not_before",
    ),
    Mutant(
        "worker: the message says which queue it came from",
        "chassis/transport.py",
        "            queue, task, arguments, (task",
        "            msgspec.json.decode(text)['properties']['delivery_info']['routing_key'],\n"
        "            task, arguments, (task",
        "chassis",
        "chassis/test_transport.py::TestRebuild::test_keeps_the_task_and_its_arguments",
    ),
    Mutant(
        "stock: more is reserved than there is",
        "apps/catalog_service/services/stock/moving.py",
        "    WHERE locked.reserved + change.reserved BETWEEN 0 AND locked.on_hand + change.on_hand\n"
        "      AND locked",
        "    WHERE locked",
        "catalog_service",
        "catalog_service/services/test_races.py::TestLastUnit::test_goes_to_one_of_fifty_buyers",
    ),
    Mutant(
        "orders: a key is good for any number of them",
        "apps/order_service/services/idempotency.py",
        "ON CONFLICT (user_id, route, key) DO NOTHING\n",
        "ON CONFLICT (user_id, route, key) DO UPDATE SET body_hash = excluded.body_hash\n",
        "order_service",
        "order_service/services/test_races.py::TestSameKeyAtOnce::test_makes_one_order",
    ),
    Mutant(
        "sessions: a refresh token is good for any number of refreshes",
        "apps/auth_service/services/sessions.py",
        "  AND refresh_token.consumed_at IS NULL\n",
        "",
        "auth_service",
        "auth_service/test_api_tokens.py::TestRefreshTogether::test_lets_exactly_one_of_twenty_through",
    ),
)
