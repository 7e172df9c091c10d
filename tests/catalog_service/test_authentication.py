import pytest

from tests.conftest import assert_verified_alone


@pytest.mark.django_db
class TestAuthentication:
    @pytest.mark.parametrize("role", ["customer", "staff", "admin"])
    def test_costs_no_query_and_no_call(self, client_as, role):
        assert_verified_alone(client_as(role), "/api/v1/catalog/products")

    def test_of_a_service_costs_no_query_and_no_call(self, as_service):
        path = "/internal/v1/reservations/0199c5a8-0000-7000-8000-000000000000"
        assert_verified_alone(as_service("order", "stock:reserve"), path)
