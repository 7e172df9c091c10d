import re
import time

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from chassis import context
from chassis.context import RequestContextMiddleware

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def seen():
    """Return a function that asks through the middleware and returns the context inside."""

    def ask(path="/api/v1/x", **headers):
        inside = []

        def view(_):
            inside.append(context.current())
            return HttpResponse()

        response = RequestContextMiddleware(view)(RequestFactory().get(path, headers=headers))
        assert response["X-Request-ID"] == inside[0].request_id
        return inside[0]

    return ask


class TestRequestContextMiddleware:
    @pytest.mark.parametrize(
        ("status", "length"), [(200, "4"), (404, "4"), (204, None), (304, None)]
    )
    def test_states_the_length_of_a_body(self, status, length):
        middleware = RequestContextMiddleware(lambda _: HttpResponse("body", status=status))
        response = middleware(RequestFactory().get("/api/v1/x"))
        assert response.headers.get("Content-Length") == length

    @pytest.mark.parametrize(
        ("given", "headers", "told"),
        [
            ({}, {"Authorization": "Bearer x"}, "private, no-store"),
            ({"Cache-Control": "no-cache"}, {"Authorization": "Bearer x"}, "no-cache"),
            ({}, {}, None),
        ],
    )
    def test_lets_nobody_keep_what_one_was_told_by_name(self, given, headers, told):
        middleware = RequestContextMiddleware(lambda _: HttpResponse("body", headers=given))
        response = middleware(RequestFactory().get("/api/v1/x", headers=headers))
        assert response.headers.get("Cache-Control") == told

    @pytest.mark.parametrize("own", ["a", "01J.x_y:z-1", "a" * 128])
    def test_returns_the_clients_request_id(self, seen, own):
        assert seen(**{"X-Request-ID": own}).request_id == own

    @pytest.mark.parametrize(
        "bad", ["", " ", "a" * 129, "a b", "a,b", "é", "a\r\nSet-Cookie: x", '"', "a\n"]
    )
    def test_replaces_a_malformed_request_id(self, seen, bad):
        made = seen(**{"X-Request-ID": bad}).request_id
        assert re.fullmatch(r"[0-9a-f-]{36}", made)

    def test_goes_on_with_the_callers_trace_in_a_span_of_its_own(self, seen):
        first, second = (seen(traceparent=TRACE).traceparent.split("-") for _ in range(2))
        given = TRACE.split("-")
        assert [first[0], first[1], first[3]] == [given[0], given[1], given[3]]
        assert len({given[2], first[2], second[2]}) == 3

    @pytest.mark.parametrize(
        "bad",
        [
            "",
            TRACE.upper(),
            TRACE + "-x",
            TRACE + "\n",
            TRACE + "\0",
            TRACE.replace("00-", "ff-", 1),
            TRACE.replace("00-", "01-", 1) + "-" + "x" * 201,
            TRACE.replace("00-", "01-", 1) + "x",
            TRACE.replace("00-", "01-", 1) + "-a\nb",
            TRACE.replace("a", "а", 1),  # noqa: RUF001 -- a Cyrillic letter
            f"00-{'0' * 32}-b7ad6b7169203331-01",
            f"00-0af7651916cd43dd8448eb211c80319c-{'0' * 16}-01",
        ],
    )
    def test_begins_a_trace_of_its_own_for_a_malformed_one(self, seen, bad):
        made = seen(traceparent=bad).traceparent
        assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", made)
        assert made != TRACE

    def test_keeps_the_deadline_of_a_service_that_calls(self, seen):
        left = seen("/internal/v1/x", **{"X-Deadline-Ms": "1500"}).deadline - time.monotonic()
        assert 0.5 < left <= 1.5

    @pytest.mark.parametrize("bad", ["", "-1", "1.5", "x", "9999999", "٣", "1" * 5000])
    def test_ignores_a_malformed_deadline(self, seen, bad):
        assert seen("/internal/v1/x", **{"X-Deadline-Ms": bad}).deadline is None

    def test_takes_no_deadline_from_a_client(self, seen):
        assert seen("/api/v1/orders", **{"X-Deadline-Ms": "0"}).deadline is None

    def test_leaves_nothing_behind(self, seen):
        seen(**{"X-Request-ID": "mine"})
        assert context.current().request_id != "mine"

    def test_logs_each_request_but_not_the_health_checks(self, seen, caplog):
        caplog.set_level("INFO")
        seen()
        seen("/health/live")
        (record,) = [r for r in caplog.records if "request" in str(r.msg)]
        assert record.msg["status"] == 200


class TestSpan:
    def test_is_in_each_line_of_the_log_with_its_trace(self):
        with context.running(request_id="mine", traceparent=TRACE) as running:
            line = context.add_to_line(None, "info", {"event": "x"})
        assert line["trace_id"] == TRACE.split("-")[1]
        assert line["span_id"] == running.traceparent.split("-")[2] != TRACE.split("-")[2]


class TestChildTraceparent:
    def test_keeps_the_trace_and_changes_the_span(self):
        parent = TRACE.split("-")
        child = context.child_traceparent(TRACE).split("-")
        assert [child[0], child[1], child[3]] == [parent[0], parent[1], parent[3]]
        assert child[2] != parent[2]
        assert len(child[2]) == 16

    @pytest.mark.parametrize("more", ["", "-", "-what-it-says-more"])
    def test_reads_what_it_knows_of_a_later_version(self, more):
        child = context.child_traceparent(TRACE.replace("00-", "cc-", 1) + more)
        assert child.startswith(TRACE[:36])
        assert len(child) == len(TRACE)

    def test_sends_flags_that_it_does_not_know_as_zero(self):
        assert context.child_traceparent(TRACE.removesuffix("01") + "ff").endswith("-03")
