"""The platform and the users of the system tests, for what takes longer."""

from tests.system.conftest import customer, platform, product, pytest_runtest_makereport, staff

__all__ = ["customer", "platform", "product", "pytest_runtest_makereport", "staff"]
