"""What becomes of a message, whatever its sender wrote into it."""

import base64
import contextlib
import json
import pickle
from datetime import UTC, datetime
from typing import Any

import pytest
import redis
from django.conf import settings
from kombu.transport import redis as kombu
from redis.exceptions import ExecAbortError, OutOfMemoryError

from chassis import queue, transport
from chassis.models import InboxEvent
from tests import engines
from tests.chassis.processes import wait_until
from tests.conftest import envelope

OWN, FOREIGN = "souk.order.order", "souk.order.catalog"


def note(text):
    return envelope("sample.note_taken", {"text": text}, text)


def wire(task=transport.DELIVER, arguments=("[]",), *, embed=None, body=None, headers=None, **more):
    """Return a message as kombu writes it, with changes."""
    text = json.dumps([list(arguments), {}, embed or {}]) if body is None else body
    message = {
        "body": base64.b64encode(text.encode() if isinstance(text, str) else text).decode(),
        "content-type": "application/json",
        "content-encoding": "utf-8",
        "headers": {"task": task, "id": "its own", **(headers or {})},
        "properties": {
            "body_encoding": "base64",
            "delivery_tag": "its own",
            "delivery_info": {"exchange": "", "routing_key": OWN},
        },
    }
    return json.dumps({**message, **more}).encode()


def rebuilt(name, text):
    """Return the queue, the task and the arguments of a rebuilt message."""
    message = json.loads(transport.rebuild(name, text))
    arguments, keywords, embed = json.loads(base64.b64decode(message["body"]))
    assert (keywords, embed) == ({}, {})
    info = message["properties"]["delivery_info"]
    assert info["exchange"] == ""
    return info["routing_key"], message["headers"]["task"], arguments


SHAPES = {
    "no_json": b"no JSON",
    "no_utf8": b"\xff\xfe{}",
    "empty": b"",
    "list": b"[]",
    "null": b"null",
    "object_of_nothing": b"{}",
    "deep": b"[" * 100_000,
    "deep_body": wire(body="[" * 100_000),
    "no_headers": json.dumps({"body": "", "content-type": "application/json"}).encode(),
    "no_task": wire(headers={"task": None}),
    "task_is_a_list": wire(headers={"task": ["souk.deliver"]}),
    "body_is_no_text": wire(body=None).replace(b'"body": "', b'"body": 7, "x": "'),
    "body_is_no_base64": wire(body="x").replace(b'"body": "', b'"body": "%'),
    "body_is_no_list": wire(body="{}"),
    "body_is_short": wire(body="[[], {}]"),
    "arguments_are_no_texts": wire(arguments=[{"__type__": "uuid", "__value__": "x"}]),
    "pickled": wire(body=pickle.dumps("x"), **{"content-type": "application/x-python-serialize"}),
    "yaml": wire(**{"content-type": "application/x-yaml"}),
    "too_long": wire(arguments=["x" * transport.LONGEST_BYTES]),
    "unknown_task": wire("os.system", ["true"]),
    "chord_of_celery": wire("celery.chord", ["x"]),
    "own_task": wire("sample.work", ["01a22565-9698-721a-a973-3219fb4bb3e6"]),
    "no_argument": wire(arguments=[]),
    "two_arguments": wire(arguments=["[]", "[]"]),
}
"""What is no message of ours for a queue of another service."""


class TestRebuild:
    def test_keeps_the_task_and_its_arguments(self):
        assert rebuilt(FOREIGN, wire(arguments=["[1]"])) == (FOREIGN, "souk.deliver", ["[1]"])

    def test_is_the_same_for_what_was_rebuilt_before(self):
        once = transport.rebuild(FOREIGN, wire(arguments=["[1]"]))
        assert rebuilt(FOREIGN, once) == (FOREIGN, "souk.deliver", ["[1]"])
        refused = transport.rebuild(FOREIGN, b"no JSON")
        assert rebuilt(FOREIGN, refused) == rebuilt(FOREIGN, b"no JSON")

    def test_believes_nothing_else_that_the_sender_wrote(self):
        asked = {"task": "souk.deliver", "args": ["[]"], "kwargs": {}, "options": {}}
        forged = wire(
            embed={"callbacks": [asked], "errbacks": [asked], "chain": [asked], "chord": asked},
            headers={
                "eta": "2030-01-01T00:00:00Z",
                "expires": "2020-01-01T00:00:00Z",
                "compression": "zlib",
                "retries": 3,
                "replaced_task_nesting": 1,
            },
            properties={"reply_to": OWN, "delivery_tag": "its own", "priority": 9},
        )
        message = json.loads(transport.rebuild(FOREIGN, forged))
        tag = message["properties"]["delivery_tag"]
        assert tag != "its own"
        assert message["headers"] == {"task": "souk.deliver", "id": tag, "expires": None}
        assert message["properties"].keys() == {"body_encoding", "delivery_tag", "delivery_info"}
        assert rebuilt(FOREIGN, forged) == (FOREIGN, "souk.deliver", ["[]"])

    def test_gives_two_messages_of_one_tag_two(self):
        one, other = (json.loads(transport.rebuild(FOREIGN, wire())) for _ in range(2))
        assert one["properties"]["delivery_tag"] != other["properties"]["delivery_tag"]

    @pytest.mark.parametrize("shape", SHAPES)
    def test_refuses_what_is_no_message_for_the_queue(self, shape):
        name, task, (kept, reason) = rebuilt(FOREIGN, SHAPES[shape])
        assert (name, task) == (FOREIGN, "souk.refuse")
        assert len(kept) <= 65_536
        assert reason

    def test_keeps_the_text_of_what_it_refuses(self):
        assert rebuilt(FOREIGN, b"caf\xe9")[2][0] == "caf\\xe9"

    def test_refuses_one_that_comes_again_in_the_same_words(self):
        first, again = wire("other", ["x"]), wire("other", ["x"], headers={"id": "another"})
        assert rebuilt(FOREIGN, first) == rebuilt(FOREIGN, again)

    def test_takes_the_services_own_task_from_its_own_queue_alone(self):
        ends = "2026-01-01T00:00:00+00:00"
        own = wire("sample.work", ["x"], headers={"expires": ends})
        assert rebuilt(OWN, own) == (OWN, "sample.work", ["x"])
        expires = json.loads(transport.rebuild(OWN, own))["headers"]["expires"]
        assert datetime.fromisoformat(expires) == datetime(2026, 1, 1, tzinfo=UTC)
        assert rebuilt(FOREIGN, own)[1] == "souk.refuse"


@pytest.fixture
def broker():
    with redis.Redis.from_url(settings.BROKER_URL) as client:
        yield client


def put(broker, name, *messages):
    """Put a note on a queue as its producer does."""
    broker.lpush(name, wire(arguments=[json.dumps(list(messages))]))


@pytest.mark.long
@pytest.mark.timeout(180)
class TestWorker:
    def test_keeps_each_as_a_dead_letter_and_goes_on(self, start, broker, notes):
        worker = start("worker").wait_until_healthy()
        broker.lpush(FOREIGN, *SHAPES.values())
        put(broker, OWN, note("after them"))
        put(broker, FOREIGN, note("forged"))
        broker.lpush(
            FOREIGN, wire(arguments=['{"no": "list"}']), wire(arguments=["[" * 900 + "]" * 900])
        )
        refused = InboxEvent.objects.filter(consumer="order.refused", dead_at__isnull=False)
        wait_until(lambda: refused.count() == len(SHAPES) + 3, what=f"{len(SHAPES) + 3} refused")
        wait_until(lambda: notes() == ["after them"], what=worker.log)
        wait_until(lambda: not broker.keys(), what="nothing left on the broker")
        assert worker.stop() == 0
        assert "Traceback" not in worker.log

    def test_loses_none_while_the_database_is_away(self, start, broker, database_proxy):
        worker = start("worker").wait_until_healthy()
        database_proxy.down()
        broker.lpush(FOREIGN, b"no JSON")
        wait_until(lambda: "event_returned" in worker.log, what=worker.log)
        assert not InboxEvent.objects.exists()
        database_proxy.up()
        wait_until(lambda: InboxEvent.objects.count() == 1, what=worker.log)
        (kept,) = InboxEvent.objects.all()
        assert (kept.consumer, kept.envelope["message"]) == ("order.refused", '"no JSON"')


class TestQoS:
    def test_puts_a_message_back_on_the_queue_that_it_came_from(self, committing, broker):
        text = transport.rebuild(FOREIGN, wire(properties={"delivery_info": {"routing_key": OWN}}))
        message = json.loads(text)
        tag = message["properties"]["delivery_tag"]
        # As the worker that was killed left it.
        broker.hset("souk.order.unacked", tag, json.dumps([message, "", FOREIGN]))
        broker.zadd("souk.order.unacked.index", {tag: 1})
        with queue.app.connection_for_read() as connection:
            channel: Any = connection.default_channel
            channel.qos.restore_visible()
        assert (broker.llen(FOREIGN), broker.llen(OWN)) == (1, 0)
        assert broker.keys() == [FOREIGN.encode()]


class TestFullBroker:
    """A server of these tests' own: others' would be full too."""

    @pytest.fixture
    def url(self, tmp_path):
        with contextlib.ExitStack() as stack:
            yield engines._start_redis(tmp_path, stack)

    @pytest.fixture
    def server(self, url):
        with redis.Redis.from_url(url) as client:
            yield client

    @pytest.fixture
    def channel(self, url):
        with queue.app.connection_for_read(url) as connection:
            yield connection.default_channel

    def take(self, channel):
        message = channel.Message(json.loads(transport.rebuild(OWN, wire())), channel=channel)
        channel.qos.append(message, message.delivery_tag)
        assert message.delivery_tag in channel.qos._delivered
        return message

    def test_has_its_messages_handled_that_it_cannot_keep(self, server, channel):
        server.config_set("maxmemory", 1)
        message = self.take(channel)
        assert not server.exists("souk.order.unacked")
        message.ack()
        channel.qos._flush()
        assert not channel.qos._delivered

    def test_keeps_what_cannot_go_back_until_its_time_is_over(self, server, channel):
        message = self.take(channel)
        server.config_set("maxmemory", 1)
        message.reject(requeue=True)
        channel.qos._flush()
        assert not channel.qos._delivered
        server.config_set("maxmemory", 0)
        server.zadd("souk.order.unacked.index", {message.delivery_tag: 1})
        channel.qos.restore_visible()
        assert (server.llen(OWN), server.exists("souk.order.unacked")) == (1, 0)

    @pytest.mark.parametrize("error", [OutOfMemoryError, ExecAbortError])
    def test_may_say_so_before_or_after_the_commands_are_sent(self, channel, monkeypatch, error):
        def fail(*_):
            raise error("OOM")

        monkeypatch.setattr(kombu.QoS, "append", fail)
        self.take(channel)
