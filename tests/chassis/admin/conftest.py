"""A member of staff at the admin of the service that the sample stands for."""

import pytest


@pytest.fixture
def browser(staff_browser):
    return staff_browser("staff")
