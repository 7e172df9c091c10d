import pytest

from tests.order_service.factories import place

pytestmark = pytest.mark.django_db(transaction=True)


def count(api, status):
    """Return how many requests to place an order this process says it answered so."""
    lines = api.get("/internal/v1/metrics").content.decode().splitlines()
    name = f'souk_order_requests_total{{status="{status}"}} '
    return sum(float(line.removeprefix(name)) for line in lines if line.startswith(name))


class TestOrderRequests:
    @pytest.mark.parametrize(
        ("status", "line", "down"),
        [
            pytest.param(201, ("LAMP", 1), False, id="placed"),
            pytest.param(202, ("LAMP", 1), True, id="pending"),
            pytest.param(409, ("CHAIR", 6), False, id="short"),
        ],
    )
    def test_are_counted_by_the_status_of_their_answer(
        self, as_customer, catalog, status, line, down
    ):
        before = count(as_customer, status)
        catalog.down = down
        assert place(as_customer, line).status_code == status
        assert count(as_customer, status) == before + 1
