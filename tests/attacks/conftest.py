"""One real platform for all attacks, with an admin, one of staff, and auth's key stolen."""

import secrets
from collections.abc import Iterator

import httpx
import pytest

from tests.attacks.accounts import Account, change, register
from tests.attacks.forge import Forge
from tests.attacks.targets import SERVICES, Target
from tests.system.conftest import hold_ports, kept, pytest_runtest_makereport
from tests.system.platform import ORDERS, PRODUCTS, Platform

__all__ = ["pytest_runtest_makereport"]


@pytest.fixture(scope="session")
def platform() -> Iterator[Platform]:
    """Return a platform without demo data; nothing stops it meanwhile."""
    with kept() as platform:
        hold_ports(platform)  # other platforms start beside it
        platform.up("--no-seed")
        yield platform


@pytest.fixture(scope="session")
def admin(platform: Platform) -> Account:
    """Return the first admin, made by the operator."""
    account = Account(platform, "admin@souk.example", secrets.token_urlsafe(18))
    command = ("auth", "create_admin", "--email", account.email)
    made = platform.run(*command, SOUK_ADMIN_PASSWORD=account.password)
    assert made.returncode == 0, made.stdout + made.stderr
    account.log_in()
    return account


@pytest.fixture(scope="session")
def staff(platform: Platform, admin: Account) -> Account:
    """Return one of staff."""
    account = register(platform)
    change(account, by=admin, role="staff")
    account.log_in()
    return account


@pytest.fixture(scope="session")
def customer(platform: Platform) -> Account:
    """Return a customer."""
    return register(platform)


@pytest.fixture(scope="session")
def forge(platform: Platform, admin: Account) -> Forge:
    """Return what makes tokens of the admin's."""
    return Forge.of(platform, admin.id)


@pytest.fixture(scope="session")
def targets(platform: Platform, staff: Account) -> Iterator[dict[str, Target]]:
    """Return a path of each service, by its name."""
    product = staff.client.add_product(on_hand=0)
    paths = {
        "auth": "/api/v1/auth/me",
        "catalog": f"{PRODUCTS}/{product['slug']}/stock",
        "order": ORDERS,
    }
    with httpx.Client(base_url=platform.url, timeout=10, trust_env=False) as http:
        yield {service: Target(service, path, http) for service, path in paths.items()}


@pytest.fixture(scope="session")
def private(platform: Platform) -> Iterator[httpx.Client]:
    """Return a client of the private entry point, at which services call each other."""
    with httpx.Client(base_url=platform.private_url, trust_env=False) as client:
        yield client


@pytest.fixture(scope="session")
def service_token(platform: Platform, private: httpx.Client) -> str:
    """Return the order service's own token."""
    secret = platform.plan.secrets["order.client"]
    answer = private.post("/auth/internal/v1/service-tokens", auth=("order", secret))
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access"])


@pytest.fixture(params=SERVICES)
def target(request: pytest.FixtureRequest, targets: dict[str, Target]) -> Target:
    """Return the path of one service; the test runs once for each."""
    return targets[request.param]
