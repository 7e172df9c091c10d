"""The sample service's table, and its processes against this run's engines."""

from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis
from django.conf import settings
from django.db import connection

from chassis import circuit, rest
from chassis.events import outbox
from tests.chassis.processes import ServiceProcess
from tests.chassis.proxy import Proxy
from tests.chassis.sample import PUBLISHERS

settings.EVENT_PUBLISHERS = {**settings.EVENT_PUBLISHERS, **PUBLISHERS}

from tests.chassis.sample import handlers, tasks  # noqa: E402 -- registers events, handlers and a task
from tests.chassis.sample.events import NoteTaken  # noqa: E402


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: object) -> None:
    with django_db_blocker.unblock(), connection.cursor() as cursor:  # type: ignore[attr-defined]
        cursor.execute(handlers.TABLE)
        cursor.execute(tasks.TABLE)


@pytest.fixture
def own_circuits_and_connections() -> Iterator[None]:
    """Let the test call services without what other tests know of them, or have connected."""
    circuit.forget()
    rest._http.cache_clear()
    yield
    circuit.forget()
    rest._http().close()
    rest._http.cache_clear()


@pytest.fixture
def committing(transactional_db: None) -> Iterator[None]:
    """Let the test commit; leave nothing of it behind, on the broker neither."""
    yield
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE sample_note, sample_job")
    redis.Redis.from_url(settings.BROKER_URL).flushdb()


@pytest.fixture
def notes() -> Callable[[], list[str]]:
    """Return a function that lists the notes kept, in order."""

    def texts() -> list[str]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT text FROM sample_note ORDER BY id")
            return [text for (text,) in cursor.fetchall()]

    return texts


@pytest.fixture
def take_note() -> Callable[..., object]:
    """Return a function that publishes a note in a transaction of its own."""
    from django.db import transaction

    def take(text: str, subject: str = "note") -> object:
        with transaction.atomic():
            return outbox.publish(NoteTaken(text=text), subject=subject)

    return take


@pytest.fixture
def database_proxy() -> Iterator[Proxy]:
    proxy = Proxy(int(connection.settings_dict["PORT"]))
    yield proxy
    if proxy._listener is not None:
        proxy.down()


@pytest.fixture
def broker_proxy() -> Iterator[Proxy]:
    proxy = Proxy(urlsplit(settings.BROKER_URL).port or 6379)
    yield proxy
    if proxy._listener is not None:
        proxy.down()


@pytest.fixture
def start(
    committing: None, tmp_path: Path, database_proxy: Proxy, broker_proxy: Proxy
) -> Iterator[Callable[..., ServiceProcess]]:
    """Return a function that starts a process of the sample service, behind the two proxies."""
    started: list[ServiceProcess] = []
    own = connection.settings_dict
    broker_number = urlsplit(settings.BROKER_URL).path

    def run(role: str, **variables: str) -> ServiceProcess:
        process = ServiceProcess(
            role,
            tmp_path,
            {
                "DATABASE_URL": f"postgresql://{own['USER']}:{own['PASSWORD']}"
                f"@127.0.0.1:{database_proxy.port}/{own['NAME']}",
                "BROKER_URL": f"redis://127.0.0.1:{broker_proxy.port}{broker_number}",
                **variables,
            },
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.end()
