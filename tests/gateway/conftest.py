"""One gateway for most tests; those that need other variables start their own."""

from collections.abc import Iterator

import pytest

from tests.gateway.running import Gateway, started


@pytest.fixture(scope="session")
def running_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    unlimited = {"RATE_LIMIT": "0", "LOGIN_RATE_LIMIT": "0"}
    with started(tmp_path_factory.mktemp("gateway"), **unlimited) as running:
        yield running


@pytest.fixture
def souk(running_gateway: Gateway) -> Gateway:
    """Return the gateway with servers that are well and have seen nothing."""
    for backend in running_gateway.backends.values():
        backend.reset()
    return running_gateway
