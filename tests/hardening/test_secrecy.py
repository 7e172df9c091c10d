"""What the files in git are searched for."""

import random
import secrets
from base64 import urlsafe_b64encode
from pathlib import Path

import pytest

from tests.hardening import secrecy
from tests.hardening.__main__ import ROOT, findings


class TestName:
    @pytest.mark.parametrize(
        "name",
        [
            *("SECRET_KEY", "SECRET_KEY_FALLBACKS", "ENCRYPTION_KEYS", "CLIENT_SECRET"),
            *("DATABASE_URL", "WEBHOOK_SECRETS", "POSTGRES_PASSWORD", "GF_SECURITY_ADMIN_PASSWORD"),
        ],
    )
    def test_tells_of_a_secret(self, name: str) -> None:
        assert secrecy.is_secret_name(name)

    @pytest.mark.parametrize(
        "name", ["SECRET_KEY_FILE", "PUBLIC_URL", "KEY_REFRESH_SECONDS", "SEARCH_LANGUAGE"]
    )
    def test_tells_of_none(self, name: str) -> None:
        assert not secrecy.is_secret_name(name)


class TestText:
    def test_with_a_drawn_secret_is_found_out(self) -> None:
        draw = random.Random(7)
        for _ in range(100):
            data = draw.randbytes(32)
            for one in (data[:16].hex(), urlsafe_b64encode(data).decode()):
                assert list(secrecy.secrets_in(f"# a\nKEY: {one}\n")), one
                assert one not in str(list(secrecy.secrets_in(f"KEY: {one}")))

    @pytest.mark.parametrize(
        ("text", "what"),
        [
            ("-----BEGIN PRIVATE KEY-----", "a private key"),
            ("-----BEGIN EC PRIVATE KEY-----", "a private key"),
            ("url: redis://order:verysecret@broker/0", "a password in a URL"),
            ("url: redis://:verysecret@broker/0", "a password in a URL"),
        ],
    )  # fmt: skip
    def test_is_found_out_by_its_form(self, text: str, what: str) -> None:
        assert [found for _, found in secrecy.secrets_in(text)] == [what]

    @pytest.mark.parametrize(
        "text",
        [
            "traefik.http.services.catalog-ready.loadbalancer.healthcheck.unhealthyinterval: 1s",
            "S3_SECRET_ACCESS_KEY_FILE: /run/secrets/s3_secret_access_key",
            "image: postgres@sha256:" + "0f1e2d3c4b5a6978" * 4,
            "url: redis://order:${PASSWORD}@broker/0",
            "url: http://gateway:8001/order",
        ],
    )
    def test_of_words_and_names_is_not(self, text: str) -> None:
        assert list(secrecy.secrets_in(text)) == []


class TestCheckout:
    def test_has_no_finding(self) -> None:
        assert list(findings(ROOT)) == []

    def test_is_searched_for_secrets(self, tmp_path: Path) -> None:
        for name in ("compose.yaml", "compose", "Dockerfile", ".dockerignore", "gateway"):
            (tmp_path / name).symlink_to(ROOT / name)
        manifest = tmp_path / "deploy" / "kubernetes" / "secret.yaml"
        manifest.parent.mkdir(parents=True)
        manifest.write_text(f"a: 1\nkey: {secrets.token_urlsafe(32)}\n")
        assert list(findings(tmp_path)) == [
            "deploy/kubernetes/secret.yaml:2: 43 characters that look like a secret"
        ]
