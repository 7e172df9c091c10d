"""Pictures from MEDIA_ROOT, and nothing else from the disk."""

import os
from pathlib import Path
from typing import Any

import pytest

from tests.catalog_service.problems import problem_of

URL = "/media/catalog"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Any) -> Path:
    """Return the folder of the pictures; a secret lies beside it."""
    media = tmp_path / "media"
    (media / "products").mkdir(parents=True)
    (media / "products" / "lamp.svg").write_text("<svg/>")
    (media / "notes.txt").write_text("secret")
    (media / "page.html").write_text("secret")
    (media / "folder.svg").mkdir()
    (tmp_path / "secret.svg").write_text("secret")
    settings.MEDIA_ROOT = str(media)
    return media


def read(response: Any) -> bytes:
    """Return the file that was answered; read to its end, it is closed."""
    assert response.status_code == 200
    content: bytes = response.getvalue()
    return content


class TestPicture:
    def test_is_served_without_rights(self, api):
        response = api.get(f"{URL}/products/lamp.svg")
        assert read(response) == b"<svg/>"
        assert response["Content-Type"] == "image/svg+xml"
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response["Content-Security-Policy"].startswith("default-src 'none'")
        assert response["Content-Security-Policy"].endswith("sandbox")
        assert response["Cache-Control"] == "public, max-age=3600"

    @pytest.mark.parametrize(
        ("name", "content_type"),
        [("a.png", "image/png"), ("a.JPG", "image/jpeg"), ("a.webp", "image/webp")],
    )
    def test_has_its_type(self, api, folder, name, content_type):
        (folder / name).write_bytes(b"x")
        response = api.get(f"{URL}/{name}")
        assert (response["Content-Type"], read(response)) == (content_type, b"x")

    def test_is_not_sent_again(self, api, folder):
        os.utime(folder / "products" / "lamp.svg", (1_000_000_000, 1_000_000_000))
        url = f"{URL}/products/lamp.svg"
        answer = api.get(url)
        assert read(answer) == b"<svg/>"
        modified = answer["Last-Modified"]
        same = api.get(url, headers={"If-Modified-Since": modified})
        assert (same.status_code, same.content) == (304, b"")
        assert same["Content-Security-Policy"]
        for since in ("Sat, 08 Sep 2001 01:46:40 GMT", "nonsense", "", "\u0161"):
            assert read(api.get(url, headers={"If-Modified-Since": since})) == b"<svg/>"

    def test_is_open_to_any_token(self, api):
        api.credentials(HTTP_AUTHORIZATION="Bearer nonsense")
        assert read(api.get(f"{URL}/products/lamp.svg")) == b"<svg/>"

    @pytest.mark.parametrize(
        "path",
        [
            "../secret.svg",
            "products/../../secret.svg",
            "%2e%2e/secret.svg",
            "..%2fsecret.svg",
            "..%5csecret.svg",
            "%2fetc/passwd",
            "/etc/passwd",
            "products/lamp.svg%00",
            "products/lamp.svg%00.png",
            "%00.svg",
            "%ff.svg",
            "%ED%A0%80.svg",
            "notes.txt",
            "page.html",
            "products",
            "products/",
            "folder.svg",
            "none.svg",
            "a" * 300 + ".svg",
            "a/" * 3000 + "a.svg",
            "notes.txt/lamp.svg",
            ".svg",
        ],
    )
    def test_that_is_none_is_404(self, api, path):
        problem_of(api.get(f"{URL}/{path}"), 404, "not-found")

    def test_elsewhere_is_not_reached_by_a_link(self, api, folder):
        (folder / "link.svg").symlink_to(folder.parent / "secret.svg")
        (folder / "own.svg").symlink_to(folder / "products" / "lamp.svg")
        (folder / "loop.svg").symlink_to(folder / "loop.svg")
        for name in ("link.svg", "loop.svg"):
            problem_of(api.get(f"{URL}/{name}"), 404, "not-found")
        assert read(api.get(f"{URL}/own.svg")) == b"<svg/>"

    def test_is_only_read(self, api):
        problem_of(api.post(f"{URL}/products/lamp.svg"), 405, "method-not-allowed")
