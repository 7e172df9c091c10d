"""A publisher whose database was restored: its consumers lose nothing new, and nothing acts twice."""

import contextlib
import os
import subprocess
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from django.db import connection
from psycopg import sql

from chassis.events import sources
from chassis.events.repair import sweep
from chassis.models import EventCursor, RelayState
from local import postgres
from tests.chassis.events.feeding import copy_back, number, settled, write

pytestmark = pytest.mark.usefixtures("committing")


def cursor():
    return EventCursor.objects.get(source="order")


def restarts(caplog):
    found = [record.msg for record in caplog.records if isinstance(record.msg, dict)]
    return [line["position"] for line in found if line["event"] == "events_restarted"]


class TestHistory:
    @pytest.mark.parametrize("has_new_epoch", [True, False], ids=["restored", "copied back"])
    def test_of_the_publisher_loses_nothing_new_and_repeats_nothing(
        self, notes, caplog, has_new_epoch
    ):
        write("a", "b", "c")
        sweep("order", settled())
        copy_back(1)
        if has_new_epoch:
            RelayState.objects.update(fingerprint="of another database")
        write("x", "y", "z", subject="t")
        caplog.clear()
        sweep("order", settled() + timedelta(minutes=1))
        assert notes() == ["a", "b", "c", "x", "y", "z"]
        assert (cursor().position, cursor().repaired) == (4, 6)
        assert restarts(caplog) == [3]
        caplog.clear()
        sweep("order", settled() + timedelta(minutes=2))
        assert restarts(caplog) == []

    def test_is_found_out_before_anything_new_was_written(self, notes):
        write("a", "b", "c")
        sweep("order", settled())
        copy_back(1)
        sweep("order", settled() + timedelta(minutes=1))
        assert cursor().position == 1
        write("x", subject="t")
        sweep("order", settled() + timedelta(minutes=2))
        assert notes() == ["a", "b", "c", "x"]


@contextlib.contextmanager
def using(name):
    """Let this thread's connection be to another database."""
    own = connection.settings_dict
    connection.close()
    connection.settings_dict = {**own, "NAME": name}
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict = own


class Publisher:
    """A database beside the consumer's, with PostgreSQL's own tools for its backups."""

    def __init__(self, folder: Path) -> None:
        self.name = f"{connection.settings_dict['NAME']}_publisher"
        self._folder = folder

    def make_anew(self) -> None:
        parameters = connection.get_connection_params()
        own = {name: parameters[name] for name in ("host", "port", "user", "password")}
        name = sql.Identifier(self.name)
        with psycopg.connect(**own, dbname="postgres", autocommit=True) as server:
            server.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(name))
            server.execute(sql.SQL("CREATE DATABASE {}").format(name))

    def restore(self, backup: str) -> None:
        self.make_anew()
        self._run("pg_restore", "--exit-on-error", f"--dbname={self.name}", self._folder / backup)

    def back_up(self, backup: str, database: str) -> None:
        self._run("pg_dump", "--format=custom", f"--file={self._folder / backup}", database)

    def _run(self, program: str, *arguments: str | Path) -> None:
        own = connection.settings_dict
        variables = {"PGHOST": own["HOST"], "PGPORT": own["PORT"], "PGUSER": own["USER"]}
        subprocess.run(
            [postgres.binary(program), *arguments],
            env={**os.environ, **variables, "PGPASSWORD": own["PASSWORD"]},
            check=True,
        )


@pytest.fixture
def publisher(tmp_path, monkeypatch):
    """Return a publisher with a database as the consumer's, whose feed the sweep reads."""
    made = Publisher(tmp_path)
    made.back_up("empty", connection.settings_dict["NAME"])
    made.restore("empty")
    read = sources.read

    def read_there(source, place, **options):
        with using(made.name):
            return read(source, place, **options)

    monkeypatch.setattr(sources, "read", read_there)
    yield made
    made.make_anew()


class TestBackup:
    def test_restored_to_a_new_database_begins_a_new_epoch(self, publisher, notes, caplog):
        with using(publisher.name):
            write("a", "b", "c")
        sweep("order", settled())
        first = cursor().epoch
        publisher.back_up("backup", publisher.name)
        with using(publisher.name):
            write("d", "e")
        sweep("order", settled() + timedelta(minutes=1))
        publisher.restore("backup")
        with using(publisher.name):
            number()
            write("x", "y", "z")
        sweep("order", settled() + timedelta(minutes=2))
        assert notes() == ["a", "b", "c", "d", "e", "x", "y", "z"]
        assert restarts(caplog) == [5]
        assert cursor().epoch != first
        assert cursor().position == 6
