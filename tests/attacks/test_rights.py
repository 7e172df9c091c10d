"""Rights that are taken away, while the token that gave them still lives."""

from collections.abc import Mapping

from tests.attacks.accounts import USERS, Account, change, register
from tests.attacks.targets import Target, assert_problem, assert_refused
from tests.system.platform import Platform, wait_until

# From the change to the last service that still took the token (design.md, section 4).
OUT_SECONDS = 5
REFRESH = "/api/v1/auth/token/refresh"

Targets = Mapping[str, Target]


def assert_taken(targets: Targets, token: str) -> None:
    for target in targets.values():
        answer = target.show(token)
        assert answer.status_code == 200, (target.service, answer.text)


def wait_until_refused(targets: Targets, token: str) -> None:
    def is_refused() -> bool:
        return all(target.show(token).status_code == 401 for target in targets.values())

    wait_until(is_refused, seconds=OUT_SECONDS, what="the token refused by every service")
    for target in targets.values():
        assert_refused(target.show(token))


class TestDeactivatedUser:
    def test_is_out_of_every_service_in_time_and_comes_back_by_a_new_log_in_only(
        self, platform: Platform, admin: Account, staff: Account, targets: Targets
    ) -> None:
        account = register(platform)
        change(account, by=admin, role="staff")
        account.log_in()
        old = account.client
        assert_taken(targets, account.token)
        change(account, by=admin, is_active=False)
        wait_until_refused(targets, account.token)
        assert_taken(targets, staff.token)
        credentials = {"email": account.email, "password": account.password}
        answer = platform.client().post("/api/v1/auth/token", credentials)
        assert_problem(answer, 401, "credentials-invalid")
        change(account, by=admin, is_active=True)
        account.log_in()
        assert_taken(targets, account.token)
        answer = old.post(REFRESH, {"refresh": old.grant["refresh"]})
        assert_problem(answer, 401, "token-invalid")
        wait_until_refused(targets, old.grant["access"])


class TestDemotedAdmin:
    def test_is_out_of_every_service_in_time_and_comes_back_as_a_customer(
        self, platform: Platform, admin: Account, targets: Targets
    ) -> None:
        account = register(platform)
        change(account, by=admin, role="admin")
        account.log_in()
        assert_taken(targets, account.token)
        old = account.token
        # All in one second: what was issued after the first change is older than the second one.
        change(account, by=admin, role="customer")
        account.log_in()
        assert_problem(targets["catalog"].show(account.token), 403, "permission-denied")
        wait_until_refused(targets, old)
        assert_taken({name: targets[name] for name in ("auth", "order")}, account.token)
        assert_problem(account.client.get(USERS), 403, "permission-denied")


class TestPromotedUser:
    def test_has_the_new_rights_at_once_and_keeps_them(
        self, platform: Platform, admin: Account, targets: Targets
    ) -> None:
        account = register(platform)
        old = account.client
        change(account, by=admin, role="staff")
        # In the same second, in which the token before was issued too.
        renewed = old.post(REFRESH, {"refresh": old.grant["refresh"]})
        assert renewed.status_code == 200, renewed.text
        account.log_in()
        for token in (renewed.json()["access"], account.token):
            assert_taken(targets, token)
        wait_until_refused(targets, old.grant["access"])
        for token in (renewed.json()["access"], account.token):
            assert_taken(targets, token)
