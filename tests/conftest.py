"""What the tests of every service use: callers with real tokens, and both ends of the events."""

import gc
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock
from uuid import UUID

import jwt
import pytest
import pytest_django
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings

from chassis import mail
from chassis.ids import uuid7
from tests.environment import SERVICES


def pytest_ignore_collect(collection_path: Any, config: pytest.Config) -> bool | None:
    """Leave out the folders of the services whose settings are not loaded."""
    folder = collection_path.name
    module = config.option.ds or ""
    if folder.endswith("_service") and folder.removesuffix("_service") in SERVICES:
        return module != f"settings.{folder.removesuffix('_service')}"
    return None


def pytest_configure(config: pytest.Config) -> None:
    """Let Hypothesis make fewer examples; `make test-faults` names its own profile, which makes a hundred."""
    if config.option.ds and not config.getoption("--hypothesis-profile", None):
        import hypothesis

        hypothesis.settings.register_profile("few", max_examples=30)
        hypothesis.settings.load_profile("few")


def pytest_sessionstart() -> None:
    """Let what is imported and collected be looked through for garbage once, at its end."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Leave out of every later look for garbage what stays until the end: it took an eighth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def _no_rights_made_anew() -> Iterator[None]:
    """Leave out what Django does after each flush: nothing of ours uses its permissions."""
    with mock.patch("django.core.management.commands.flush.emit_post_migrate_signal"):
        yield


@pytest.fixture(scope="session", autouse=True)
def _flush_of_what_is_there() -> Iterator[None]:
    """Let Django's flush empty the tables that hold rows: to truncate all takes PostgreSQL 100 ms."""
    import django.db.models  # noqa: F401 -- a backend's operations cannot be imported before it
    from django.db import connection

    def flush(_style: object, tables: list[str], **_options: object) -> list[str]:
        ask = " UNION ALL ".join(
            f"SELECT '{name}' WHERE EXISTS (SELECT FROM \"{name}\")" for name in tables
        )
        with connection.cursor() as cursor:
            cursor.execute(ask)
            found = ", ".join(f'"{name}"' for (name,) in cursor.fetchall())
        return [f"TRUNCATE {found} CASCADE"] if found else []

    operations = "django.db.backends.postgresql.operations.DatabaseOperations"
    with mock.patch(f"{operations}.sql_flush", lambda self, *args, **options: flush(*args)):
        yield


@pytest.fixture(scope="session", autouse=True)
def _static_files_found_once() -> Iterator[None]:
    """Look for the packages' files once, and not for each test client: 190 of them take 50 ms."""
    if not settings.configured:
        yield
        return
    from whitenoise.middleware import WhiteNoiseMiddleware

    found: dict[str, Any] = {}
    look = WhiteNoiseMiddleware.add_files_from_finders

    def look_once(middleware: Any) -> None:
        if not found:
            look(middleware)
            found.update(middleware.files)
        middleware.files.update(found)

    with mock.patch.object(WhiteNoiseMiddleware, "add_files_from_finders", look_once):
        yield


@pytest.fixture(scope="class")
def rows_of_the_class(
    django_db_setup: None, django_db_blocker: pytest_django.DjangoDbBlocker
) -> Iterator[None]:
    """Let fixtures of a class make rows once, which its tests see and may change: each is rolled back to them."""
    from django.db import transaction

    with django_db_blocker.unblock():
        atomic: Any = transaction.atomic()
        atomic._from_testcase = True  # a durable block may open within, as within a test's own
        with atomic:
            yield
            transaction.set_rollback(True)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key of the tests, as auth would hold it."""

    kid: str
    private: ec.EllipticCurvePrivateKey

    def jwk(self) -> dict[str, Any]:
        """Return its public half as a JWK."""
        public = jwt.algorithms.ECAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        return {**public, "kid": self.kid, "alg": "ES256", "use": "sig"}

    def sign(self, claims: dict[str, Any], **headers: Any) -> str:
        """Return a token with these claims."""
        return jwt.encode(
            claims,
            self.private,
            algorithm="ES256",
            headers={"typ": "at+jwt", "kid": self.kid, **headers},
        )


@pytest.fixture
def signing_key() -> Iterator[SigningKey]:
    """Return a key that this process's key ring knows; nobody is denied."""
    from chassis.tokens.deny import deny_list
    from chassis.tokens.keys import keyring

    deny_list.replace({})
    key = SigningKey(kid=str(uuid7()), private=ec.generate_private_key(ec.SECP256R1()))
    keyring.replace({"keys": [key.jwk()]})
    yield key
    keyring.replace({"keys": []})


def claims(**changes: Any) -> dict[str, Any]:
    """Return a customer's claims, changed as told."""
    now = int(time.time())
    user_id = str(changes.pop("user_id", None) or uuid7())
    return {
        "iss": settings.PUBLIC_URL,
        "aud": "souk",
        "sub": user_id,
        "user_id": user_id,
        "role": "customer",
        "iat": now,
        "exp": now + 300,
        "jti": str(uuid7()),
        "scope": "",
        **changes,
    }


def service_claims(client_id: str, scopes: str, **changes: Any) -> dict[str, Any]:
    """Return a service's claims, changed as told."""
    own = claims(sub=client_id, aud="souk-internal", role="service", scope=scopes, **changes)
    del own["user_id"]
    return own


@pytest.fixture
def token_for(signing_key: SigningKey) -> Callable[..., str]:
    """Return a function that issues a user's token."""

    def issue(role: str = "customer", user_id: UUID | None = None) -> str:
        return signing_key.sign(claims(role=role, user_id=user_id))

    return issue


@pytest.fixture
def api() -> Any:
    """Return a client without a token."""
    from rest_framework.test import APIClient

    return APIClient(raise_request_exception=False)


def _with_token(token: str, user_id: UUID | None = None) -> Any:
    from rest_framework.test import APIClient

    client: Any = APIClient(raise_request_exception=False)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    client.user_id = user_id
    return client


@pytest.fixture
def client_as(token_for: Callable[..., str]) -> Callable[..., Any]:
    """Return a function that makes a client of a role; the client knows its `user_id`."""

    def make(role: str = "customer", user_id: UUID | None = None) -> Any:
        user_id = user_id or uuid7()
        return _with_token(token_for(role, user_id), user_id)

    return make


@pytest.fixture
def as_customer(client_as: Callable[..., Any]) -> Any:
    """Return a customer's client."""
    return client_as("customer")


@pytest.fixture
def as_staff(client_as: Callable[..., Any]) -> Any:
    """Return a client of staff."""
    return client_as("staff")


@pytest.fixture
def as_admin(client_as: Callable[..., Any]) -> Any:
    """Return an admin's client."""
    return client_as("admin")


@pytest.fixture
def as_service(signing_key: SigningKey) -> Callable[..., Any]:
    """Return a function that makes a client with a service's token."""

    def make(client_id: str = "order", scopes: str = "stock:reserve") -> Any:
        return _with_token(signing_key.sign(service_claims(client_id, scopes)))

    return make


def assert_verified_alone(client: Any, path: str) -> None:
    """Show that the service knows the client's token with no query and no call, at first and later.

    A method that the path does not take is refused once the caller is known, with 403 where only
    staff might use it, and before anything else.
    """
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with (
        CaptureQueriesContext(connection) as queries,
        mock.patch("socket.socket.connect", side_effect=AssertionError("a call")),
    ):
        for _ in range(2):
            response = client.generic("TRACE", path)
            assert response.status_code in {403, 405}, response.content
    assert len(queries) == 0
    client.credentials()
    assert client.generic("TRACE", path).status_code == 401


@pytest.fixture
def staff_browser(signing_key: SigningKey) -> Callable[..., Any]:
    """Return a function that makes a browser of a role that is signed on to the service's admin."""
    from tests import staff

    return staff.sign_on(signing_key)


@pytest.fixture
def outbox_events() -> Callable[..., list[Any]]:
    """Return a function that lists what was published, in order."""
    from chassis.models import OutboxEvent

    def rows(subject: object = None) -> list[Any]:
        found = OutboxEvent.objects.order_by("id")
        return list(found if subject is None else found.filter(subject=str(subject)))

    return rows


def envelope(name: str, data: dict[str, Any], subject: str, **changes: Any) -> dict[str, Any]:
    """Return an event as it comes off the queue."""
    return {
        "specversion": "1.0",
        "id": str(uuid7()),
        "source": f"urn:souk:service:{settings.EVENT_PUBLISHERS.get(name, 'order')}",
        "type": name,
        "subject": subject,
        "time": "2026-01-01T00:00:00Z",
        "datacontenttype": "application/json",
        "dataschema": f"urn:souk:event:{name}:v1",
        "data": data,
        "sequence": "1",
        "requestid": "test-request",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        **changes,
    }


@pytest.fixture
def deliver() -> Callable[..., dict[str, Any]]:
    """Return a function that puts an event through the inbox, as the worker does."""
    from chassis.events import inbox

    def put(
        name: str, data: dict[str, Any], subject: str = "subject", **changes: Any
    ) -> dict[str, Any]:
        message = envelope(name, data, subject, **changes)
        inbox.receive(message)
        return message

    return put


@pytest.fixture
def mail_by(settings: Any) -> Callable[[str], None]:
    """Return a function that has mail sent as a MAIL_URL says."""
    from settings import base

    def go(url: str) -> None:
        found = base._mail({"MAIL_URL": url, "MAIL_FROM": "Shop <shop@shop.example>"})
        for name, value in found.items():
            setattr(settings, name, value)

    return go


@pytest.fixture(autouse=True)
def _answering_mail_server() -> Iterator[None]:
    """No test waits because a mail server of another did not answer."""
    yield
    mail.server.forget()


@pytest.fixture
def mail_folder(settings: Any, tmp_path: Path) -> Path:
    """Return the folder that mail goes to, also mail of child processes."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path)
    return tmp_path
