import pytest
from prometheus_client.parser import text_string_to_metric_families

from chassis import circuit

pytestmark = pytest.mark.urls("tests.chassis.sample.urls")


@pytest.fixture(autouse=True)
def _new_circuits():
    circuit.forget()
    yield
    circuit.forget()


def scrape(api):
    """Return the samples by name and labels."""
    response = api.get("/internal/v1/metrics")
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/plain; version=0.0.4")
    families = text_string_to_metric_families(response.content.decode())
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


class TestScrape:
    def test_tells_which_circuits_are_open(self, api):
        circuit.of("auth")
        broken = circuit.of("catalog")
        broken.failed(broken.begin() or 0, is_well=lambda: False)
        samples = scrape(api)
        assert samples["souk_circuit_open", ("service", "auth")] == 0
        assert samples["souk_circuit_open", ("service", "catalog")] == 1

    def test_tells_of_the_process_itself(self, api):
        assert scrape(api)["process_resident_memory_bytes",] > 0

    def test_asks_no_token_and_no_database(self, api, django_assert_num_queries, db):
        with django_assert_num_queries(0):
            scrape(api)

    def test_only_reads(self, api):
        assert api.post("/internal/v1/metrics").status_code == 405
