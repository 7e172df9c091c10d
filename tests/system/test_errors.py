"""The error table of the contract, row by row, as a client of the gateway sees it."""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.system.platform import ADDRESS, ORDERS, PRODUCTS, Client, Platform

NEW_KEY = {"Idempotency-Key": "a key of no order"}


def problem_of(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Return the problem, checked for every member that the contract promises."""
    assert answer.headers["Content-Type"] == "application/problem+json", answer.text
    problem: dict[str, Any] = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code), problem
    required = {"type", "title", "status", "detail", "instance", "code", "request_id"}
    assert required <= set(problem)
    assert (problem["type"], problem["status"]) == (f"urn:souk:problem:{code}", status)
    assert problem["title"]
    assert problem["detail"]
    assert problem["instance"] == answer.request.url.path
    assert problem["request_id"] == answer.headers["X-Request-ID"]
    return problem


def pointers(problem: Mapping[str, Any]) -> set[str]:
    assert all(set(one) == {"pointer", "detail", "code"} for one in problem["errors"])
    return {one["pointer"] for one in problem["errors"]}


class TestErrorTable:
    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("GET", "/api/v1/auth/me"),
            ("POST", PRODUCTS),
            ("GET", ORDERS),
            ("POST", ORDERS),
        ],
    )
    def test_missing_token_is_401(self, anyone: Client, method: str, path: str) -> None:
        answer = anyone.http.request(method, path, json={} if method == "POST" else None)
        problem_of(answer, 401, "authentication-required")
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="souk"'

    @pytest.mark.parametrize("path", ["/api/v1/auth/me", PRODUCTS, ORDERS])
    def test_made_up_token_is_401(self, platform: Platform, path: str) -> None:
        answer = platform.client("made.up.token").get(path)
        problem_of(answer, 401, "token-invalid")
        assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'

    def test_wrong_role_is_403(self, customer: Client, product: Mapping[str, Any]) -> None:
        stock = f"{PRODUCTS}/{product['slug']}/stock"
        answers = [
            customer.post(PRODUCTS, {}),
            customer.get(stock),
            customer.post(f"{stock}/adjustments", {"quantity": 1, "reason": "none"}),
            customer.get("/api/v1/auth/users"),
        ]
        for answer in answers:
            problem_of(answer, 403, "permission-denied")

    def test_unknown_product_is_404(self, anyone: Client) -> None:
        problem_of(anyone.get(f"{PRODUCTS}/no-such-product"), 404, "not-found")

    def test_unknown_order_is_404(self, customer: Client) -> None:
        problem_of(customer.get(f"{ORDERS}/{uuid4()}"), 404, "not-found")

    def test_bad_body_is_400_with_a_pointer_per_field(
        self, anyone: Client, customer: Client, staff: Client
    ) -> None:
        registration = anyone.post("/api/v1/auth/register", {"email": "no", "password": "short"})
        problem = problem_of(registration, 400, "validation-failed")
        assert pointers(problem) == {"#/email", "#/password", "#/name"}
        product = staff.post(PRODUCTS, {"sku": "", "name": "Lamp", "price": 3})
        problem = problem_of(product, 400, "validation-failed")
        assert pointers(problem) == {"#/sku", "#/category", "#/price"}
        body = {
            "lines": [{"sku": "A", "quantity": 1}, {"sku": "B", "quantity": 0}, {"quantity": 1}],
            "shipping_address": {**ADDRESS, "country": "Utopia"},
        }
        problem = problem_of(customer.post(ORDERS, body, **NEW_KEY), 400, "validation-failed")
        assert pointers(problem) == {
            *("#/lines/1/quantity", "#/lines/2/sku", "#/shipping_address/country")
        }

    @pytest.mark.parametrize("body", [b"{", b'{"lines": NaN}', b"\xff"])
    def test_body_that_is_no_json_is_400(self, customer: Client, body: bytes) -> None:
        headers = {**NEW_KEY, "Content-Type": "application/json"}
        answer = customer.http.post(ORDERS, content=body, headers=headers)
        problem_of(answer, 400, "body-malformed")

    @pytest.mark.parametrize("path", ["/api/v1/auth/register", PRODUCTS, ORDERS])
    def test_wrong_content_type_is_415(self, staff: Client, path: str) -> None:
        answer = staff.http.post(path, data={"a": "1"}, headers=NEW_KEY)
        problem_of(answer, 415, "unsupported-media-type")

    def test_stock_short_is_409_with_each_short_line(self, customer: Client, staff: Client) -> None:
        product = staff.add_product(on_hand=2)
        problem = problem_of(customer.place(product["sku"], 3), 409, "out-of-stock")
        assert pointers(problem) == {"#/lines/0/quantity"}
        assert problem["lines"] == [{"sku": product["sku"], "requested": 3, "available": 2}]
        assert staff.stock(product) == {"on_hand": 2, "reserved": 0, "available": 2}

    def test_unknown_sku_is_422(self, customer: Client) -> None:
        problem = problem_of(customer.place("no-such-sku"), 422, "unknown-sku")
        assert pointers(problem) == {"#/lines/0/sku"}

    def test_missing_key_is_400(self, customer: Client, product: Mapping[str, Any]) -> None:
        body = {"lines": [{"sku": product["sku"], "quantity": 1}], "shipping_address": ADDRESS}
        problem_of(customer.post(ORDERS, body), 400, "idempotency-key-required")

    def test_method_that_is_not_there_is_405(self, staff: Client) -> None:
        problem_of(staff.http.put(PRODUCTS), 405, "method-not-allowed")


class TestRequestId:
    def test_is_the_clients_own_in_answers_and_problems(self, anyone: Client) -> None:
        own = uuid4().hex
        for path in (PRODUCTS, f"{PRODUCTS}/no-such-product", "/nowhere"):
            assert anyone.get(path, **{"X-Request-ID": own}).headers["X-Request-ID"] == own

    def test_is_made_where_there_is_none_or_a_bad_one(self, anyone: Client) -> None:
        made = [anyone.get(PRODUCTS).headers["X-Request-ID"] for _ in range(2)]
        assert len({*made, ""}) == 3
        bad = "not_an_id;" * 40
        assert anyone.get(PRODUCTS, **{"X-Request-ID": bad}).headers["X-Request-ID"] != bad


class TestUnknownPath:
    @pytest.mark.parametrize("path", ["/", "/nowhere", "/api/v1", "/api/v2/orders", "/health/live"])
    def test_is_404(self, anyone: Client, path: str) -> None:
        problem_of(anyone.get(path), 404, "not-found")

    @pytest.mark.parametrize("path", ["/api/v1/orders/", f"{PRODUCTS}/", "/api/v1/auth/nowhere"])
    def test_below_a_services_own_is_404(self, customer: Client, path: str) -> None:
        problem_of(customer.get(path), 404, "not-found")


INTERNAL = "/internal/v1/reservations/0198f2b6-0000-7000-8000-000000000000"


class TestInternalPath:
    @pytest.mark.parametrize(
        "path",
        [
            INTERNAL,
            "/internal",
            "/internal/",
            "/internal/v1/service-tokens",
            f"/{INTERNAL}",
            f"/.{INTERNAL}",
            f"/catalog{INTERNAL}",
            INTERNAL.replace("internal", "%69nternal"),
            INTERNAL.replace("internal", "INTERNAL"),
            f"/api/v1/catalog/../../..{INTERNAL}",
            f"/api/v1/catalog/%2e%2e/%2e%2e/%2e%2e{INTERNAL}",
            f"/api/v1/catalog{INTERNAL}",
        ],
    )
    @pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
    def test_is_404_at_the_gateway(
        self, platform: Platform, staff: Client, method: str, path: str
    ) -> None:
        answer = raw_request(platform, staff, method, path)
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found")

    @pytest.mark.parametrize("separator", ["%2f", "%2F", "%5c", "\\"])
    def test_is_not_reached_by_an_encoded_separator(
        self, platform: Platform, staff: Client, separator: str
    ) -> None:
        path = f"/api/v1/catalog/..{separator}..{separator}..{INTERNAL}"
        answer = raw_request(platform, staff, "PUT", path)
        assert answer.status_code in {400, 404}
        assert b"order_id" not in answer.content

    def test_wants_a_services_token_behind_it(
        self, private: httpx.Client, customer: Client, staff: Client
    ) -> None:
        path = f"/catalog{INTERNAL}"
        no_token = private.get(path)
        assert (no_token.status_code, no_token.json()["code"]) == (401, "authentication-required")
        for user in (customer, staff):
            headers = {"Authorization": f"Bearer {user.grant['access']}"}
            answer = private.put(path, json={"lines": []}, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (401, "token-invalid")

    def test_opens_to_a_service_within_its_scopes(
        self, platform: Platform, private: httpx.Client
    ) -> None:
        token = service_token(platform, private, "order")
        headers = {"Authorization": f"Bearer {token}"}
        assert private.get(f"/catalog{INTERNAL}", headers=headers).status_code == 404
        other = {"Authorization": f"Bearer {service_token(platform, private, 'catalog')}"}
        assert private.get(f"/catalog{INTERNAL}", headers=other).status_code == 403
        assert platform.client(token).get("/api/v1/orders").status_code == 401

    def test_gives_a_services_token_for_its_own_secret_only(
        self, platform: Platform, private: httpx.Client
    ) -> None:
        secret = platform.plan.secrets["catalog.client"]
        answer = private.post("/auth/internal/v1/service-tokens", auth=("order", secret))
        assert (answer.status_code, answer.json()["code"]) == (401, "client-invalid")


@pytest.fixture
def private(platform: Platform) -> Iterator[httpx.Client]:
    """Return a client of the private entry point, at which services call each other."""
    with httpx.Client(base_url=platform.private_url, trust_env=False) as client:
        yield client


def service_token(platform: Platform, private: httpx.Client, name: str) -> str:
    secret = platform.plan.secrets[f"{name}.client"]
    answer = private.post("/auth/internal/v1/service-tokens", auth=(name, secret))
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access"])


def raw_request(platform: Platform, client: Client, method: str, path: str) -> httpx.Response:
    """Send a path as it stands here: a client that tidies it up would hide the trick."""
    url = httpx.URL(platform.url, raw_path=path.encode())
    headers = dict(client.http.headers)
    return client.http.send(httpx.Request(method, url, headers=headers, json={"lines": []}))
