import pytest

from tests.conftest import assert_verified_alone


@pytest.mark.django_db
class TestAuthentication:
    @pytest.mark.parametrize("role", ["customer", "staff", "admin"])
    def test_costs_no_query_and_no_call(self, client_as, role):
        assert_verified_alone(client_as(role), "/api/v1/orders")
