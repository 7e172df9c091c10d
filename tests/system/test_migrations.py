"""`up` migrates what needs it, and asks Django only then."""

from collections.abc import Iterator

import psycopg
import pytest

from local import migrations
from tests.system.platform import Platform


@pytest.fixture
def applied(platform: Platform) -> Iterator[psycopg.Connection]:
    """Return a connection to catalog's database, whose noted migrations a test may change."""
    url = platform.plan.variables("catalog")["DATABASE_URL"]
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection
        connection.execute("DELETE FROM django_migrations WHERE app = 'gone'")
    migrations.migrate(platform.plan)


class TestMigrate:
    def test_does_nothing_where_nothing_changed(self, platform: Platform) -> None:
        assert migrations.migrate(platform.plan) == []

    def test_asks_django_where_something_else_is_applied(
        self, platform: Platform, applied: psycopg.Connection
    ) -> None:
        applied.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('gone', '0001', now())"
        )
        assert migrations.migrate(platform.plan) == ["catalog"]
        assert migrations.migrate(platform.plan) == []

    def test_asks_django_where_there_is_no_note(self, platform: Platform) -> None:
        (platform.home / "migrated.json").unlink()
        assert migrations.migrate(platform.plan) == ["auth", "catalog", "order"]
        assert migrations.migrate(platform.plan) == []
