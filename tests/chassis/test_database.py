import pytest
from django.db import (
    IntegrityError,
    InterfaceError,
    OperationalError,
    connection,
    connections,
    transaction,
)

from chassis import database


def failure_of(statement):
    with pytest.raises(Exception) as failure, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    return failure.value


class TestIsUnavailable:
    def test_is_a_lost_or_refused_connection(self):
        assert database.is_unavailable(OperationalError("connection refused"))
        assert database.is_unavailable(InterfaceError("connection already closed"))

    @pytest.mark.django_db
    @pytest.mark.parametrize("state", ["57P01", "57P03", "53300", "08006"])
    def test_is_a_server_that_ends_starts_or_is_full(self, state):
        raised = f"DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '{state}'; END $$"
        assert database.is_unavailable(failure_of(raised))

    @pytest.mark.django_db
    @pytest.mark.parametrize("state", ["40P01", "40001", "55P03", "57014"])
    def test_is_no_single_statement(self, state):
        raised = f"DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '{state}'; END $$"
        assert not database.is_unavailable(failure_of(raised))

    def test_is_nothing_else(self):
        assert not database.is_unavailable(IntegrityError())
        assert not database.is_unavailable(None)


class TestUsePool:
    def test_is_what_serving_processes_ask_for_and_commands_do_not(self, settings, monkeypatch):
        options = connections.settings["default"]["OPTIONS"]
        assert "pool" not in options
        monkeypatch.setitem(options, "pool", None)
        database.use_pool()
        assert options["pool"] == settings.DB_POOL
        assert settings.DB_POOL["max_size"] > settings.WEB_THREADS
