"""What a customer, or one of staff, cannot make of himself."""

from typing import Any
from uuid import uuid4

import pytest

from tests.attacks.accounts import USERS, Account, change, register
from tests.attacks.targets import Target, assert_problem
from tests.system.platform import ADDRESS, ORDERS, PRODUCTS, Platform

ME = "/api/v1/auth/me"
SESSIONS = "/api/v1/auth/sessions"
NOBODY = f"{USERS}/0198f2b6-0000-7000-8000-000000000000"
# More than anyone may say of himself.
RIGHTS: list[dict[str, Any]] = [
    {"role": "admin"},
    {"role": "staff"},
    {"is_active": True},
    {"is_staff": True, "is_superuser": True, "is_admin": True},
    {"scope": "stock:reserve", "scopes": ["stock:reserve"]},
    {"id": "0198f2b6-0000-7000-8000-000000000000", "user_id": 1},
    {"awaits_confirmation": False},
]
Call = tuple[str, str, dict[str, Any] | None]
STAFFS_CALLS: list[Call] = [
    ("GET", "{stock}", None),
    ("GET", "{stock}/movements", None),
    ("POST", "{stock}/adjustments", {"quantity": 1, "reason": "mine"}),
    ("POST", PRODUCTS, {"sku": "MINE"}),
    ("PATCH", "{product}", {"price": "0.01"}),
    ("DELETE", "{product}", None),
    ("PUT", "{product}/image", {"a": 1}),
    ("DELETE", "{product}/image", None),
    ("GET", "{product}/prices", None),
    ("POST", "/api/v1/catalog/categories", {"name": "Mine"}),
]
ADMINS_CALLS: list[Call] = [
    ("GET", USERS, None),
    ("GET", NOBODY, None),
    ("PATCH", NOBODY, {"role": "admin"}),
    ("PATCH", "{own}", {"role": "admin"}),
]


class TestCustomer:
    @pytest.mark.parametrize(("method", "path", "body"), STAFFS_CALLS + ADMINS_CALLS)
    def test_makes_no_call_of_staff_or_an_admin(
        self, customer: Account, targets: dict[str, Target], method: str, path: str, body: Any
    ) -> None:
        stock = targets["catalog"].path
        places = {"stock": stock, "product": stock.removesuffix("/stock")}
        url = path.format(**places, own=f"{USERS}/{customer.id}")
        answer = customer.client.http.request(method, url, json=body)
        assert_problem(answer, 403, "permission-denied")

    def test_sees_no_order_of_another(
        self, platform: Platform, customer: Account, staff: Account
    ) -> None:
        product = staff.client.add_product(on_hand=1)
        order = customer.client.place(product["sku"]).json()
        path = f"{ORDERS}/{order['id']}"
        other = register(platform).client
        assert customer.client.get(path).status_code == 200
        assert_problem(other.get(path), 404, "not-found")
        assert_problem(other.post(f"{path}/cancel"), 404, "not-found")
        assert_problem(other.pay(order["id"]), 404, "not-found")
        assert other.get(ORDERS).json()["results"] == []
        assert customer.client.get(path).json()["status"] == "placed"

    def test_orders_for_nobody_else(self, customer: Account, staff: Account) -> None:
        product = staff.client.add_product(on_hand=1)
        body = {
            "lines": [{"sku": product["sku"], "quantity": 1, "unit_price": "0.01"}],
            "shipping_address": ADDRESS,
            "user_id": staff.id,
            "status": "paid",
            "total": "0.01",
        }
        answer = customer.client.post(ORDERS, body, **{"Idempotency-Key": str(uuid4())})
        assert answer.status_code in {201, 400}
        if answer.status_code == 201:
            order = answer.json()
            assert (order["status"], order["subtotal"]) == ("placed", product["price"])
            assert customer.client.get(f"{ORDERS}/{order['id']}").status_code == 200


class TestStaff:
    @pytest.mark.parametrize(("method", "path", "body"), ADMINS_CALLS)
    def test_makes_no_call_of_an_admin(
        self, staff: Account, method: str, path: str, body: Any
    ) -> None:
        url = path.format(own=f"{USERS}/{staff.id}")
        answer = staff.client.http.request(method, url, json=body)
        assert_problem(answer, 403, "permission-denied")


class TestRights:
    @pytest.mark.parametrize("rights", RIGHTS, ids=str)
    def test_are_not_taken_at_registration(
        self, platform: Platform, rights: dict[str, Any]
    ) -> None:
        account = register(platform, **rights)
        me = account.client.get(ME).json()
        assert me["role"] == "customer"
        assert me["id"] not in rights.values()
        assert_problem(account.client.get(USERS), 403, "permission-denied")

    @pytest.mark.parametrize("rights", RIGHTS, ids=str)
    def test_are_not_taken_of_the_own_account(
        self, customer: Account, rights: dict[str, Any]
    ) -> None:
        before = customer.client.get(ME).json()
        answer = customer.client.http.patch(ME, json=rights)
        assert answer.status_code in {200, 400}
        assert customer.client.get(ME).json() == before


class TestSession:
    def test_of_another_is_not_seen_and_not_ended(
        self, platform: Platform, customer: Account
    ) -> None:
        other = register(platform)
        sessions = other.client.get(SESSIONS)
        assert sessions.status_code == 200
        own = {session["id"] for session in customer.client.get(SESSIONS).json()["results"]}
        for session in sessions.json()["results"]:
            assert session["id"] not in own
            answer = customer.client.http.delete(f"{SESSIONS}/{session['id']}")
            assert_problem(answer, 404, "not-found")
        renewed = other.client.post(
            "/api/v1/auth/token/refresh", {"refresh": other.client.grant["refresh"]}
        )
        assert renewed.status_code == 200

    def test_of_another_is_not_ended_by_an_admins_call(
        self, platform: Platform, admin: Account
    ) -> None:
        other = register(platform)
        session = other.client.get(SESSIONS).json()["results"][0]
        answer = admin.client.http.delete(f"{SESSIONS}/{session['id']}")
        assert_problem(answer, 404, "not-found")


class TestAdmin:
    def test_does_not_change_himself(self, platform: Platform, admin: Account) -> None:
        other = register(platform)
        change(other, by=admin, role="admin")
        other.log_in()
        answer = other.client.http.patch(f"{USERS}/{other.id}", json={"role": "customer"})
        assert_problem(answer, 409, "own-account")
