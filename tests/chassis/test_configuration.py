"""settings/env.py and settings/document.py."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from settings import document, env, events
from settings.variables import REQUIRED
from tests.environment import environment

ROOT = Path(__file__).resolve().parent.parent.parent
CATALOG = environment("catalog")


@pytest.fixture
def variables(monkeypatch):
    """Return a function that leaves exactly these variables in the environment."""

    def put(values):
        for variable in env.VARIABLES:
            monkeypatch.delenv(variable.name, raising=False)
            monkeypatch.delenv(f"{variable.name}_FILE", raising=False)
        for name, value in values.items():
            monkeypatch.setenv(name, value)

    return put


def message_of(service="catalog"):
    with pytest.raises(SystemExit) as stop:
        env.read(service)
    return str(stop.value.code)


class TestRead:
    @pytest.mark.parametrize("service", env.SERVICES)
    def test_accepts_what_a_service_needs(self, variables, service):
        variables(environment(service))
        values = env.read(service)
        assert values["SECURE"] is True
        assert values["ALLOWED_HOSTS"] == ["testserver", "localhost", "127.0.0.1"]

    @pytest.mark.parametrize("service", env.SERVICES)
    def test_lists_every_missing_variable_in_one_message(self, variables, service):
        variables({})
        message = message_of(service)
        required = [v.name for v in env.variables_of(service) if v.default is REQUIRED]
        assert [line.strip().split(":")[0] for line in message.splitlines()[1:]] == required
        assert f"environment variables: {len(required)}." in message

    @pytest.mark.parametrize("days", ["30", "29"])
    def test_refuses_to_forget_handled_events_before_published_ones(self, variables, days):
        variables(CATALOG | {"INBOX_RETENTION_DAYS": days})
        message = message_of()
        assert "environment variables: 1." in message
        assert (
            "INBOX_RETENTION_DAYS: must be more than OUTBOX_RETENTION_DAYS, which is 30" in message
        )

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            (
                {"S3_BUCKET": "souk", "S3_ACCESS_KEY_ID": "key"},
                "S3_SECRET_ACCESS_KEY: must be given with S3_ACCESS_KEY_ID",
            ),
            (
                {"S3_BUCKET": "souk", "S3_SECRET_ACCESS_KEY": "hunter2"},
                "S3_ACCESS_KEY_ID: must be given with S3_SECRET_ACCESS_KEY",
            ),
            (
                {"S3_ENDPOINT_URL": "https://s3.example", "S3_REGION": "eu"},
                "S3_BUCKET: must be given with S3_ENDPOINT_URL, S3_REGION",
            ),
        ],
    )
    def test_refuses_a_bucket_by_halves(self, variables, given, message):
        variables(CATALOG | given)
        assert message_of().splitlines()[1:] == [f"  {message}"]
        whole = {"S3_ENDPOINT_URL": "", "S3_BUCKET": "", "S3_ACCESS_KEY_ID": ""}
        variables(CATALOG | whole)
        assert not env.read("catalog")["S3_BUCKET"]

    def test_accepts_former_secret_keys(self, variables):
        former = ["former-key-0123456789", "oldest-key-0123456789"]
        for text, expected in ((",".join(former), former), ("", [])):
            variables(CATALOG | {"SECRET_KEY_FALLBACKS": text})
            assert env.read("catalog")["SECRET_KEY_FALLBACKS"] == expected

    def test_ends_the_process_with_1_and_no_traceback(self, tmp_path):
        values = {**os.environ, **environment("catalog"), "BIND": "nowhere", "CACHE_URL": "x"}
        # A platform beside the checkout would fill in what is left out.
        values["SOUK_HOME"] = str(tmp_path / "no-platform")
        for name in ("SECRET_KEY", "DJANGO_SETTINGS_MODULE"):
            del values[name]
        run = subprocess.run(
            [sys.executable, "manage.py", "catalog", "check"],
            cwd=ROOT,
            env=values,
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 1
        assert [line.strip().split(":")[0] for line in run.stderr.splitlines()[1:]] == [
            "SECRET_KEY",
            "CACHE_URL",
            "BIND",
        ]

    @pytest.mark.parametrize(
        ("name", "value", "reason"),
        [
            ("SECRET_KEY", "short-hunter2", "at least 20 characters"),
            ("SECRET_KEY_FALLBACKS", "hunter2", "at least 20 characters"),
            ("DATABASE_URL", "postgresql://a:hunter2@h:port/x", "must look like postgresql://"),
            ("DATABASE_URL", "postgresql://a:hunter2@h", "must look like postgresql://"),
            (
                "DATABASE_URL",
                "postgresql://a:hunter2@h/x?hunter2=1",
                "must look like postgresql://",
            ),
            ("DATABASE_URL", "mysql://a:hunter2@h/x", "must look like postgresql://"),
            ("BROKER_URL", "amqp://a:hunter2@h", "must look like redis://"),
            ("BROKER_URL", "redis://a:b@h:hunter2/0", "must look like redis://"),
            ("PUBLIC_URL", "http://a:hunter2@[h", "must be an http or https URL"),
            ("ENCRYPTION_KEYS", "hunter2", "32-byte url-safe base64"),
            ("CLIENT_SECRET", "hunter2", "at least 20 characters"),
            ("DB_POOL_SIZE", "hunter2", "Not a valid integer"),
            ("WEB_THREADS", "0", "between 1 and 64"),
            ("SECURE", "hunter2", "Not a valid boolean"),
            ("LOG_LEVEL", "hunter2", "one of DEBUG, INFO"),
            ("SHOP_CURRENCY", "hunter2", "ISO 4217"),
            ("BIND", "hunter2", "must look like 0.0.0.0:8000"),
            ("ALLOWED_HOSTS", "", "at least one host name"),
        ],
    )
    def test_says_what_is_wrong_and_never_the_value(self, variables, name, value, reason):
        variables({**CATALOG, name: value})
        message = message_of()
        assert message.splitlines()[1].startswith(f"  {name}: ")
        assert reason in message
        assert "hunter2" not in message
        assert len(message.splitlines()) == 2

    def test_takes_a_value_from_the_file_that_name_file_names(self, variables, tmp_path):
        (tmp_path / "key").write_text("  from-a-file-0123456789-abcdef\n")
        variables({**CATALOG, "SECRET_KEY_FILE": str(tmp_path / "key")})
        assert env.read("catalog")["SECRET_KEY"] == "from-a-file-0123456789-abcdef"

    def test_refuses_a_file_that_cannot_be_read(self, variables, tmp_path):
        (tmp_path / "binary").write_bytes(b"\xff\xfehunter2")
        variables(
            {
                **CATALOG,
                "SECRET_KEY_FILE": str(tmp_path / "none"),
                "CLIENT_SECRET_FILE": str(tmp_path),
                "DATABASE_URL_FILE": str(tmp_path / "binary"),
            }
        )
        assert message_of().splitlines()[1:] == [
            "  SECRET_KEY: SECRET_KEY_FILE must name a readable text file",
            "  DATABASE_URL: DATABASE_URL_FILE must name a readable text file",
            "  CLIENT_SECRET: CLIENT_SECRET_FILE must name a readable text file",
        ]

    def test_takes_the_hashes_of_two_client_secrets_and_not_of_three(self, variables):
        values = environment("auth")
        two = f"{'a' * 64},{'b' * 64}"
        variables({**values, "ORDER_CLIENT_SECRET_HASHES": two})
        assert env.read("auth")["ORDER_CLIENT_SECRET_HASHES"] == ["a" * 64, "b" * 64]
        for bad in (f"{two},{'c' * 64}", "a-secret-and-not-its-hash"):
            variables({**values, "ORDER_CLIENT_SECRET_HASHES": bad})
            assert "  ORDER_CLIENT_SECRET_HASHES: must hold" in message_of("auth")

    @pytest.mark.parametrize(
        "url", ["", "mail.example", "http://mail.example", "smtp://", "smtp://h/path", "smtp://h?q"]
    )
    def test_refuses_what_names_no_way_to_send_mail(self, variables, url):
        variables({**environment("order"), "MAIL_URL": url})
        assert "  MAIL_URL: must be console:" in message_of("order")

    def test_wants_a_place_for_the_token_in_a_link(self, variables):
        values = environment("auth")
        variables({**values, "PASSWORD_RESET_URL": "https://shop.example/reset"})
        assert "  PASSWORD_RESET_URL: must hold {token} once" in message_of("auth")
        link = "https://shop.example/reset#{token}"
        variables({**values, "PASSWORD_RESET_URL": link})
        assert env.read("auth")["PASSWORD_RESET_URL"] == link


class TestPublishers:
    def test_are_services(self):
        assert events.publishers("order") == events.PUBLISHERS

    def test_that_are_none_stop_the_start_with_one_sentence(self):
        registered = {"order.paid": "order", "product.created": "catalogue"}
        with pytest.raises(SystemExit) as stop:
            events.publishers("order", registered)
        assert stop.value.code == (
            "The order service cannot start: settings/events.py names publishers that are no "
            "service: catalogue (product.created)."
        )


class TestDocument:
    def test_is_what_docs_configuration_holds(self):
        assert (ROOT / "docs/configuration.md").read_text() == document.document()

    def test_names_every_variable_of_each_service(self):
        sections = document.document().split("\n## ")[1:]
        assert [section.split("\n")[0] for section in sections] == list(env.SERVICES)
        for section in sections:
            service = section.split("\n")[0]
            for variable in env.variables_of(service):
                assert f"| `{variable.name}` |" in section
            assert section.count("\n| `") == len(env.variables_of(service))
