"""Every process is killed in its turn."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.system.killing import assert_is_back
from tests.system.platform import Client, Platform

PROCESSES = [
    *(("platform", role) for role in ("postgres", "redis", "cache", "gateway")),
    *(
        (service, role)
        for service in ("auth", "catalog", "order")
        for role in ("web", "worker", "relay")
    ),
]


class TestKilledProcess:
    def test_every_one_is_among_these(self, platform: Platform) -> None:
        rows = platform.status()["processes"]
        assert sorted((row["service"], row["role"]) for row in rows) == sorted(PROCESSES)

    @pytest.mark.parametrize(("service", "role"), PROCESSES)
    def test_is_back_in_time_and_the_next_order_works(
        self,
        platform: Platform,
        customer: Client,
        staff: Client,
        product: Mapping[str, Any],
        service: str,
        role: str,
    ) -> None:
        assert_is_back(platform, service, role, customer=customer, staff=staff, product=product)
