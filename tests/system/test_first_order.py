"""The whole path of a customer, through the gateway and three services."""

import json
import re
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import jwt
import pytest

from tests.system.platform import ORDERS, PRODUCTS, Client, Platform


class TestAccount:
    def test_is_registered_and_told_of_itself(self, customer: Client) -> None:
        me = customer.get("/api/v1/auth/me")
        assert me.status_code == 200
        assert set(me.json()) == {"id", "email", "name", "role"}
        assert me.json()["role"] == "customer"

    def test_renews_its_tokens_once_each(self, platform: Platform) -> None:
        client = platform.register()
        body = {"refresh": client.grant["refresh"]}
        renewed = client.post("/api/v1/auth/token/refresh", body)
        assert renewed.status_code == 200
        assert renewed.json()["refresh"] != body["refresh"]
        again = client.post("/api/v1/auth/token/refresh", body)
        assert (again.status_code, again.json()["code"]) == (401, "token-invalid")
        me = platform.client(renewed.json()["access"]).get("/api/v1/auth/me")
        assert me.status_code == 200

    def test_has_a_token_that_anyone_can_verify_with_the_published_keys(
        self, platform: Platform, customer: Client
    ) -> None:
        token = customer.grant["access"]
        keys = jwt.PyJWKSet.from_dict(platform.client().get("/.well-known/jwks.json").json())
        header = jwt.get_unverified_header(token)
        assert (header["typ"], header["alg"]) == ("at+jwt", "ES256")
        claims = jwt.decode(
            token, keys[header["kid"]], algorithms=["ES256"], audience="souk", issuer=platform.url
        )
        assert set(claims) == {
            *("iss", "aud", "sub", "user_id", "role", "exp", "iat", "jti", "scope")
        }
        assert claims["exp"] - claims["iat"] == customer.grant["expires_in"] == 300
        head, _, signature = token.split(".")
        payload = jwt.utils.base64url_encode(json.dumps({**claims, "role": "admin"}).encode())
        forged = f"{head}.{payload.decode()}.{signature}"
        with pytest.raises(jwt.InvalidSignatureError):
            jwt.decode(forged, keys[header["kid"]], algorithms=["ES256"], audience="souk")


class TestShop:
    def test_is_browsed_page_by_page(self, anyone: Client) -> None:
        first = anyone.get(f"{PRODUCTS}?limit=5").json()
        assert len(first["results"]) == 5
        second = anyone.http.get(first["next"]).json()
        slugs = [product["slug"] for page in (first, second) for product in page["results"]]
        assert len(set(slugs)) == 10

    def test_is_seeded_with_pictured_products_in_categories(self, anyone: Client) -> None:
        tree = anyone.get("/api/v1/catalog/categories").json()["results"]
        assert len(tree) >= 10
        pictured = [product for product in anyone.all_products() if product["image_url"]]
        assert len(pictured) >= 90
        picture = anyone.get(pictured[0]["image_url"])
        assert picture.status_code == 200
        assert picture.headers["Content-Type"].startswith("image/")

    def test_is_searched(self, anyone: Client, product: Mapping[str, Any]) -> None:
        found = anyone.get(f"{PRODUCTS}?q={product['sku']}").json()["results"]
        assert [one["sku"] for one in found] == [product["sku"]]

    def test_shows_a_product_and_says_when_it_has_not_changed(
        self, anyone: Client, product: Mapping[str, Any]
    ) -> None:
        path = f"{PRODUCTS}/{product['slug']}"
        shown = anyone.get(path)
        body = shown.json()
        assert (body["price"], body["currency"], body["in_stock"]) == ("19.90", "EUR", True)
        assert "stock" not in body
        again = anyone.get(path, **{"If-None-Match": shown.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")

    def test_is_changed_by_staff(self, staff: Client, product: Mapping[str, Any]) -> None:
        path = f"{PRODUCTS}/{product['slug']}"
        changed = staff.http.patch(path, json={"price": "21.00"})
        assert (changed.status_code, changed.json()["price"]) == (200, "21.00")
        assert staff.get(path).json()["price"] == "21.00"


class TestOrder:
    def test_is_placed_paid_and_taken_off_the_stock(
        self, platform: Platform, customer: Client, staff: Client, product: Mapping[str, Any]
    ) -> None:
        placed = customer.place(product["sku"], 3)
        assert placed.status_code == 201
        order = placed.json()
        assert (order["status"], order["subtotal"]) == ("placed", "59.70")
        assert staff.stock(product) == {"on_hand": 1000, "reserved": 3, "available": 997}
        paid = customer.pay(order["id"])
        assert (paid.status_code, paid.json()["status"]) == (201, "succeeded")
        assert customer.get(f"{ORDERS}/{order['id']}").json()["status"] == "paid"
        staff.wait_for_stock(product, on_hand=997)
        published = platform.event_log("order", order["id"])["published"]
        assert [event["type"] for event in published] == ["order.placed", "order.paid"]
        handled = platform.event_log("catalog", order["id"], consumed=2)["handled"]
        assert {(event["type"], event["consumer"]) for event in handled} == {
            ("order.placed", "catalog.count_sales"),
            ("order.paid", "catalog.commit_reservation"),
        }
        assert all(event["at"] and event["attempts"] == 0 for event in handled), handled

    def test_is_confirmed_by_mail_once_it_is_placed_and_once_it_is_paid(
        self, platform: Platform, customer: Client, product: Mapping[str, Any]
    ) -> None:
        order = customer.place(product["sku"]).json()
        customer.pay(order["id"])
        handled = platform.event_log("order", order["id"], consumed=2)["handled"]
        mails = [event for event in handled if event["consumer"] == "order.mail"]
        assert {(event["type"], event["effect"]) for event in mails} == {
            ("order.placed", "mail sent"),
            ("order.paid", "mail sent"),
        }
        # The console's mail is printed: it is in the worker's log.
        log = (platform.home / "logs" / "order-worker.log").read_text(encoding="utf-8")
        for subject in ("We have your order {number}", "Your order {number} is paid"):
            assert log.count(f"Subject: {subject.format(**order)}\n") == 1

    def test_sent_twice_is_one(
        self, customer: Client, staff: Client, product: Mapping[str, Any]
    ) -> None:
        key = str(uuid4())
        first, second = (customer.place(product["sku"], key=key) for _ in range(2))
        assert (first.status_code, first.content) == (second.status_code, second.content)
        assert first.status_code == 201
        assert staff.stock(product)["reserved"] == 1
        listed = customer.get(f"{ORDERS}?limit=100").json()["results"]
        assert [one["id"] for one in listed].count(first.json()["id"]) == 1

    def test_is_seen_by_its_customer_and_staff_only(
        self, platform: Platform, customer: Client, staff: Client, product: Mapping[str, Any]
    ) -> None:
        order_id = customer.place(product["sku"]).json()["id"]
        path = f"{ORDERS}/{order_id}"
        statuses = [one.get(path).status_code for one in (customer, staff, platform.register())]
        assert statuses == [200, 200, 404]


class TestDemo:
    def test_tells_each_step_and_what_each_event_did(self, platform: Platform) -> None:
        finished = platform.run("demo")
        assert (finished.returncode, finished.stderr) == (0, "")
        text = finished.stdout
        steps = ("register", "log in", "browse", "search", "look at", "order", "pay")
        lines = [line for line in text.splitlines() if " ms  " in line]
        assert [line[2:12].strip() for line in lines] == list(steps), text
        for event in ("order.placed", "order.paid"):
            assert re.search(rf"^  {re.escape(event)} +published by order$", text, re.MULTILINE), (
                text
            )
        assert "catalog: counted 1 unit sold (" in text
        assert "catalog: committed 1 line, 1 unit (" in text
        assert "not handled yet" not in text
