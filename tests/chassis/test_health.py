import pytest
from django.db import OperationalError, connection, connections
from django.db.migrations.recorder import MigrationRecorder

from chassis import circuit, draining, health
from chassis.tokens.deny import deny_list
from chassis.tokens.keys import keyring

pytestmark = [pytest.mark.urls("tests.chassis.sample.urls"), pytest.mark.django_db]


@pytest.fixture(autouse=True)
def _as_at_start(monkeypatch):
    monkeypatch.setattr(health, "_migrated", False)
    circuit.forget()
    yield
    circuit.forget()


class TestLive:
    def test_is_200_without_a_query(self, api, django_assert_num_queries):
        with django_assert_num_queries(0):
            assert api.get("/health/live").status_code == 200


class TestReady:
    def test_is_200_with_a_migrated_database_and_keys(self, api, signing_key):
        response = api.get("/health/ready")
        assert response.status_code == 200
        assert response.json()["status"] == "ready"

    @pytest.mark.parametrize(
        ("missing", "set_missing"),
        [
            ("verification_keys", lambda patch: keyring.replace({"keys": []})),
            ("deny_list", lambda patch: patch.setattr(deny_list, "loaded", False)),
            ("staying", lambda patch: patch.setattr(draining, "is_under_way", lambda: True)),
        ],
    )
    def test_is_503_while_something_lacks(
        self, api, signing_key, monkeypatch, missing, set_missing
    ):
        set_missing(monkeypatch)
        response = api.get("/health/ready")
        assert response.status_code == 503
        well = {"database": True, "verification_keys": True, "deny_list": True, "staying": True}
        assert response.json()["checks"] == {**well, missing: False}

    def test_is_503_before_the_last_migration_and_200_after_it(self, api, signing_key):
        last = MigrationRecorder.Migration.objects.filter(app="chassis").latest("name")
        last.delete()
        assert api.get("/health/ready").json()["checks"]["database"] is False
        MigrationRecorder(connection).record_applied("chassis", last.name)
        assert api.get("/health/ready").status_code == 200

    def test_tells_of_circuits_and_is_200_while_one_is_open(self, api, signing_key):
        circuit.of("auth")
        broken = circuit.of("catalog")
        broken.failed(broken.begin() or 0, is_well=lambda: False)
        response = api.get("/health/ready")
        assert response.status_code == 200
        assert response.json()["circuits"] == {"auth": "closed", "catalog": "open"}

    def test_asks_the_database_again_each_time(self, api, signing_key, monkeypatch):
        assert api.get("/health/ready").status_code == 200

        def fail(*_):
            raise OperationalError("down")

        monkeypatch.setattr(connections["default"], "cursor", fail)
        response = api.get("/health/ready")
        assert response.status_code == 503
        assert response.json()["checks"]["database"] is False
