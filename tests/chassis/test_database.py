from datetime import UTC, datetime

import pytest
from django.db import (
    IntegrityError,
    InterfaceError,
    OperationalError,
    ProgrammingError,
    connection,
    connections,
    transaction,
)

from chassis import database
from chassis.postgresql.base import DatabaseWrapper


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


@pytest.mark.django_db
class TestFetch:
    @pytest.mark.parametrize("prepare", [True, False])
    def test_binds_values_apart_from_the_text(self, prepare):
        statement = "SELECT %(text)s::text, %(number)s::int + 1, %(document)s::jsonb"
        values = {"text": "'; --", "number": 4, "document": '{"a": 1.10}'}
        for _ in range(3):
            rows = database.fetch(statement, values, prepare=prepare)
            assert rows == [("'; --", 5, '{"a": 1.10}')]

    def test_prepares_what_is_asked_for_twice_and_only_where_told(self):
        for _ in range(2):
            database.fetch("SELECT 1 AS kept", {}, prepare=True)
            database.fetch("SELECT 2 AS planned_each_time", {})
        kept = "SELECT statement FROM pg_prepared_statements WHERE statement LIKE 'SELECT _ AS%%'"
        assert database.fetch(kept, {}) == [("SELECT 1 AS kept",)]

    def test_gives_times_as_the_orm_does(self):
        moment = datetime(2026, 1, 2, 3, 4, 5, 60, UTC)
        ((given,),) = database.fetch("SELECT %(moment)s::timestamptz", {"moment": moment})
        assert (given, given.tzinfo) == (moment, UTC)

    def test_raises_djangos_errors(self):
        with pytest.raises(ProgrammingError):
            database.fetch("SELECT nothing", {})


class TestQuestion:
    @pytest.fixture
    def ask(self, db, monkeypatch, database_proxy):
        """Return a function that asks another server process through the proxy, on one connection."""
        monkeypatch.setitem(connection.settings_dict, "PORT", str(database_proxy.port))
        questions: dict[str, database.Question] = {}

        def ask(statement):
            return questions.setdefault(statement, database.Question(statement)).ask()

        yield ask
        for question in questions.values():
            question.close()

    def test_stays_on_its_connection(self, ask):
        assert ask("SELECT pg_backend_pid()") == ask("SELECT pg_backend_pid()")

    @pytest.mark.parametrize(
        ("name", "value"), [("statement_timeout", 30_000), ("lock_timeout", 2_000)]
    )
    def test_is_bounded_as_all_statements_are(self, ask, name, value):
        assert ask(f"SELECT setting::int FROM pg_settings WHERE name = '{name}'") == value

    def test_is_about_what_is_committed(self, ask):
        statement = "SELECT count(*) FROM sample_note WHERE text = 'not committed'"
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO sample_note (text) VALUES ('not committed')")
        assert ask(statement) == 0

    def test_is_asked_again_where_the_server_ended_the_connection(self, ask):
        ended = ask("SELECT pg_backend_pid()")
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [ended])
        assert ask("SELECT pg_backend_pid()") not in {ended, None}

    def test_has_no_answer_while_the_database_is_away(self, ask, database_proxy):
        assert ask("SELECT 5") == 5
        database_proxy.down()
        assert ask("SELECT 5") is None
        database_proxy.up()
        assert ask("SELECT 5") == 5

    def test_has_none_where_the_statement_fails(self, ask):
        assert ask("SELECT 1 / 0") is None
        assert ask("SELECT nothing") is None


class TestPooledConnection:
    @pytest.fixture
    def pooled(self, settings, monkeypatch):
        """Return a wrapper of its own whose connection comes from a pool of that one."""
        options = {
            **connection.settings_dict["OPTIONS"],
            "pool": {**settings.DB_POOL, "max_size": 1},
        }
        own = DatabaseWrapper({**connection.settings_dict, "OPTIONS": options}, alias="pooled")
        yield own
        own.close()
        own.close_pool()

    def test_that_the_server_has_ended_is_replaced_unasked(self, pooled, django_db_blocker):
        with django_db_blocker.unblock():
            pooled.ensure_connection()
            ended = pooled.connection.info.backend_pid
            pooled.close()
            with pooled.temporary_connection():
                assert pooled.connection.info.backend_pid == ended, "the pool gives it again"
            pooled.close()
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [ended])
            with pooled.temporary_connection() as cursor:
                cursor.execute("SELECT 1")
                assert pooled.connection.info.backend_pid != ended


class TestUsePool:
    def test_is_what_serving_processes_ask_for_and_commands_do_not(self, settings, monkeypatch):
        options = connections.settings["default"]["OPTIONS"]
        assert "pool" not in options
        monkeypatch.setitem(options, "pool", None)
        database.use_pool()
        assert options["pool"] == settings.DB_POOL
        assert settings.DB_POOL["max_size"] > settings.WEB_THREADS
