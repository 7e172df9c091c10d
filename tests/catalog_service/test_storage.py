"""Pictures and files in a bucket: the real protocol, spoken with a server on this machine."""

import io
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import boto3
import httpx
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.utils import timezone
from moto.server import ThreadedMotoServer
from PIL import Image

from apps.catalog_service.errors import StorageUnavailable
from apps.catalog_service.models import Product, Transfer
from apps.catalog_service.services import orphans, pictures, stored_pictures
from apps.catalog_service.services.images import Picture
from settings import storage
from tests.catalog_service.factories import PRODUCTS, product
from tests.catalog_service.problems import problem_of
from tests.engines import free_port

BUCKET = "souk"
# As docs/operations.md asks for: everyone reads pictures, and nothing else.
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": "*",
            "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{BUCKET}/media/*",
        }
    ],
}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """Return where the bucket's server answers."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=free_port(), verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    client = boto3.client(
        "s3",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
    )
    client.create_bucket(Bucket=BUCKET)
    client.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(POLICY))
    client.close()
    yield url
    server.stop()


def variables(endpoint: str, **changes: str) -> dict[str, Any]:
    return {
        "FILES_ROOT": "files",
        "S3_BUCKET": BUCKET,
        "S3_ENDPOINT_URL": endpoint,
        "S3_REGION": "us-east-1",
        "S3_ACCESS_KEY_ID": "key",
        "S3_SECRET_ACCESS_KEY": "secret",
        "S3_PUBLIC_URL": "",
        **changes,
    }


@pytest.fixture
def use(settings: Any) -> Any:
    """Return a function that has the storages made of variables."""

    def use(**values: Any) -> None:
        settings.STORAGES = settings.STORAGES | storage.storages(values)

    return use


def picture(color: str = "red") -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (8, 4), color).save(content, "PNG")
    return content.getvalue()


def names() -> list[str]:
    found = storages["default"].bucket.objects.all()  # type: ignore[attr-defined]
    return [entry.key for entry in found]


@pytest.mark.django_db
class TestPictureInABucket:
    def test_is_seen_by_everyone_at_its_url(
        self, endpoint, use, as_staff, django_capture_on_commit_callbacks
    ):
        use(**variables(endpoint))
        made = product()
        url = f"{PRODUCTS}/{made.slug}/image"
        for color in ("red", "blue"):
            with django_capture_on_commit_callbacks(execute=True):
                as_staff.generic("PUT", url, picture(color), content_type="image/png")
        shown = Product.objects.get().image_url
        assert shown.startswith(f"{endpoint}/{BUCKET}/media/products/{made.id}/")
        found = httpx.get(shown, trust_env=False)
        assert (found.status_code, found.headers["content-type"]) == (200, "image/png")
        assert "immutable" in found.headers["cache-control"]
        assert names() == [shown.removeprefix(f"{endpoint}/{BUCKET}/")]
        with django_capture_on_commit_callbacks(execute=True):
            as_staff.delete(url)
        assert names() == []

    def test_may_be_seen_through_another_address(
        self, endpoint, use, django_capture_on_commit_callbacks
    ):
        use(**variables(endpoint, S3_PUBLIC_URL="https://cdn.example/pics/"))
        made = product()
        pictures.store(slug=made.slug, content=picture(), by=None)
        made = Product.objects.get()
        assert made.image_url.startswith(f"https://cdn.example/pics/media/products/{made.id}/")
        with django_capture_on_commit_callbacks(execute=True):
            pictures.remove(slug=made.slug, by=None)
        assert names() == []

    def test_is_not_kept_where_the_bucket_is_away(self, use, as_staff):
        use(**variables(f"http://127.0.0.1:{free_port()}"))
        made = product()
        url = f"{PRODUCTS}/{made.slug}/image"
        answer = as_staff.generic("PUT", url, picture(), content_type="image/png")
        problem_of(answer, 503, "storage-unavailable")
        assert Product.objects.get().image_url == ""

    def test_is_not_kept_where_there_is_no_such_bucket(self, endpoint, use):
        use(**variables(endpoint, S3_BUCKET="none"))
        made = product()
        with pytest.raises(StorageUnavailable):
            pictures.store(slug=made.slug, content=picture(), by=None)


class TestFileInABucket:
    def test_is_private(self, endpoint, use):
        use(**variables(endpoint))
        private = storages["private"]
        name = private.save("imports/a.csv", ContentFile(b"sku\n"))
        assert names() == ["private/imports/a.csv"]
        plain = f"{endpoint}/{BUCKET}/private/imports/a.csv"
        assert httpx.get(plain, trust_env=False).status_code == 403
        signed = private.url(name)
        assert "X-Amz-Signature" in signed
        assert "X-Amz-Expires=300" in signed
        with private.open(name) as file:
            assert file.read() == b"sku\n"
        private.delete(name)


@pytest.mark.django_db
class TestOrphanInABucket:
    def test_goes_after_a_day(self, endpoint, use):
        use(**variables(endpoint))
        made = product()
        pictures.store(slug=made.slug, content=picture(), by=None)
        shown = names()
        stored_pictures.write(made.id, Picture(b"x", "png"))
        storages["private"].save(f"{Transfer().folder}/upload", ContentFile(b"x"))
        now = timezone.now()
        assert orphans.delete_orphans(now=now) == 0
        assert len(names()) == 3
        assert orphans.delete_orphans(now=now + timedelta(days=2)) == 2
        assert names() == shown
        storages["default"].delete(shown[0].removeprefix("media/"))


class TestFileInAFolder:
    def test_is_not_among_the_pictures(self, use, settings, tmp_path):
        settings.MEDIA_ROOT = str(tmp_path / "media")
        use(FILES_ROOT=str(tmp_path / "files"), S3_BUCKET="")
        storages["private"].save("imports/a.csv", ContentFile(b"sku\n"))
        storages["default"].save("a.png", ContentFile(b"x"))
        file, shown = tmp_path / "files/imports/a.csv", tmp_path / "media/a.png"
        assert file.read_bytes() == b"sku\n"
        assert (file.stat().st_mode & 0o777, shown.stat().st_mode & 0o777) == (0o640, 0o644)
