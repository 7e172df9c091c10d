import pytest
from django.db import OperationalError, connections
from django.test import RequestFactory
from rest_framework.test import APIClient

from chassis import problems
from chassis.errors import PublicError

pytestmark = [pytest.mark.urls("tests.chassis.sample.urls"), pytest.mark.django_db]


@pytest.fixture(autouse=True)
def _sample_statuses(settings):
    settings.ERROR_STATUSES = "tests.chassis.sample.api.ERROR_STATUSES"
    problems._error_statuses.cache_clear()
    yield
    problems._error_statuses.cache_clear()


def problem_of(response, status, code):
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    found = response.json()
    assert found["status"] == status
    assert found["code"] == code
    assert found["type"] == f"urn:souk:problem:{code}"
    assert found["title"]
    assert found["detail"]
    assert found["request_id"] == response["X-Request-ID"]
    assert "hunter2" not in response.content.decode()
    return found


class TestProblems:
    def test_point_at_each_invalid_field(self, api):
        response = api.post(
            "/api/v1/notes", {"lines": [{"quantity": 1}, {"quantity": 0}, {"quantity": "x"}]}
        )
        found = problem_of(response, 400, "validation-failed")
        assert found["instance"] == "/api/v1/notes"
        assert {(e["pointer"], e["code"]) for e in found["errors"]} == {
            ("#/text", "required"),
            ("#/lines/1/quantity", "min_value"),
            ("#/lines/2/quantity", "invalid"),
        }
        assert all(e["detail"] for e in found["errors"])

    @pytest.mark.parametrize("body", [[], "text", 5, None])
    def test_point_at_a_body_of_another_type(self, api, body):
        response = api.post("/api/v1/notes", body)
        found = problem_of(response, 400, "validation-failed")
        pointers = {e["pointer"] for e in found["errors"]}
        assert pointers <= {"#", "#/text"}
        assert pointers

    @pytest.mark.parametrize(
        "body", [b"", b"{", b"NaN", b'"\xff"', b"[" * 100_000, b'{"text": "a\\u0000b"}', b"1e999"]
    )
    def test_answer_400_to_a_body_that_cannot_be_read(self, api, body):
        response = api.generic("POST", "/api/v1/notes", body, content_type="application/json")
        code = "body-malformed" if body else "validation-failed"
        problem_of(response, 400, code)

    def test_answer_413_to_a_body_that_is_too_large(self, api, settings):
        settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
        problem_of(api.post("/api/v1/notes", {"text": "a" * 100}), 413, "body-too-large")
        assert api.post("/api/v1/echo", {"text": "a" * 80}).status_code == 200

    @pytest.mark.parametrize(
        "content_type", ["text/plain", "application/x-www-form-urlencoded", ""]
    )
    def test_answer_415_to_another_content_type(self, api, content_type):
        response = api.generic("POST", "/api/v1/notes", b"{}", content_type=content_type)
        problem_of(response, 415, "unsupported-media-type")

    def test_take_a_content_type_with_parameters(self, api):
        response = api.generic(
            "POST", "/api/v1/echo", b'{"a": 1}', content_type="Application/JSON; charset=utf-8"
        )
        assert response.json() == {"a": 1}

    def test_answer_405_with_what_is_allowed(self, api):
        response = api.delete("/api/v1/notes")
        problem_of(response, 405, "method-not-allowed")
        assert response["Allow"] == "POST, OPTIONS"

    def test_answer_429_with_when_to_come_back(self, api):
        response = api.get("/api/v1/throttled")
        problem_of(response, 429, "rate-limited")
        assert response["Retry-After"] == "7"

    def test_answer_404_to_a_path_that_no_route_takes(self, api):
        found = problem_of(api.get("/nowhere/é?q=1"), 404, "not-found")
        assert found["instance"] == "/nowhere/é"

    @pytest.mark.parametrize("method", ["get", "post", "put", "delete"])
    def test_answer_for_the_path_that_the_gateway_did_not_route(self, method):
        api = APIClient(enforce_csrf_checks=True)
        response = getattr(api, method)("/unrouted", HTTP_X_REPLACED_PATH="/internal/v1/x")
        assert problem_of(response, 404, "not-found")["instance"] == "/internal/v1/x"

    def test_carry_a_public_errors_status_members_and_retry_after(self, api):
        response = api.get("/api/v1/failing/paper")
        found = problem_of(response, 409, "out-of-paper")
        assert (found["title"], found["detail"]) == ("No paper is left", "Buy some")
        assert found["sheets"] == 0
        assert response["Retry-After"] == "9"

    def test_say_what_is_missing(self, api):
        found = problem_of(api.get("/api/v1/failing/missing"), 404, "not-found")
        assert found["detail"] == "There is no such note"

    @pytest.mark.parametrize("path", ["/api/v1/failing/else", "/plain"])
    def test_answer_500_and_log_it_without_telling_why(self, api, path, caplog):
        problem_of(api.get(path), 500, "internal-error")
        (record,) = [r for r in caplog.records if "unhandled_exception" in str(r.msg)]
        assert record.levelname == "ERROR"

    @pytest.mark.parametrize("path", ["/api/v1/failing/database", "/plain-query"])
    def test_answer_503_while_the_database_is_down(self, api, path, monkeypatch):
        def fail(*_):
            raise OperationalError("connection to hunter2 failed")

        monkeypatch.setattr(connections["default"], "cursor", fail)
        response = api.get(path)
        problem_of(response, 503, "unavailable")
        assert response["Retry-After"] == "1"

    def test_answer_400_to_what_django_refuses(self, api):
        request = RequestFactory().get("/x")
        response = problems.bad_request(request, ValueError("hunter2"))
        assert response.status_code == 400
        assert response["Content-Type"] == "application/problem+json"
        assert b"hunter2" not in response.content


class TestStatusOf:
    def test_falls_back_on_the_base_of_an_error(self):
        from tests.chassis.sample.api import OutOfPaper

        class OutOfBluePaper(OutOfPaper):
            pass

        assert problems.status_of(OutOfBluePaper()) == 409

    def test_names_an_error_without_a_status(self):
        class Forgotten(PublicError):
            pass

        with pytest.raises(LookupError, match="Forgotten has no HTTP status"):
            problems.status_of(Forgotten())


class TestFieldErrors:
    def test_escapes_keys_as_json_pointers_do(self):
        found = list(problems.field_errors({"a/b~c": ["x"], "non_field_errors": ["y"]}))
        assert [e["pointer"] for e in found] == ["#/a~1b~0c", "#"]
