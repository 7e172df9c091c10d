"""Pictures of products: uploaded, made anew, replaced and taken away."""

import io
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.files.storage import FileSystemStorage
from django.db import OperationalError
from PIL import Image, PngImagePlugin

from apps.catalog_service.errors import PictureInvalid, SlugTaken
from apps.catalog_service.models import Product
from apps.catalog_service.services import images, pictures, products
from chassis.models import AuditEntry
from tests.catalog_service.factories import PRODUCTS, product
from tests.catalog_service.problems import problem_of

RED, BLUE = (255, 0, 0), (0, 0, 255)
ORIENTATION, MODEL = 0x0112, 0x0110


def picture(form: str = "PNG", *, color: Any = RED, size: Any = (8, 4), **options: Any) -> bytes:
    content = io.BytesIO()
    Image.new("RGB", size, color).save(content, form, **options)
    return content.getvalue()


def animation(form: str, frames: int = 3, **options: Any) -> bytes:
    content = io.BytesIO()
    made = [Image.new("RGB", (8, 4), (60 * n, 0, 0)) for n in range(frames)]
    made[0].save(
        content, form, save_all=True, append_images=made[1:], duration=[50] * frames, **options
    )
    return content.getvalue()


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


class TestClean:
    @pytest.mark.parametrize(
        ("form", "suffix"), [("PNG", "png"), ("JPEG", "jpg"), ("WEBP", "webp"), ("GIF", "gif")]
    )
    def test_keeps_the_form_and_the_pixels(self, form, suffix):
        made = images.clean(picture(form))
        assert made.suffix == suffix
        again = opened(made.content)
        assert (again.format, again.size) == (form, (8, 4))
        red, green, blue = again.convert("RGB").getpixel((3, 2))  # type: ignore[misc]
        assert red > 240
        assert max(green, blue) < 15

    @pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
    def test_drops_what_a_camera_noted(self, form):
        exif = Image.Exif()
        exif[MODEL] = "Hidden camera"
        sent = picture(form, exif=exif, xmp=b"<x>Hidden place</x>")
        assert b"Hidden" in sent
        assert b"Hidden" not in images.clean(sent).content

    def test_drops_comments_and_what_follows_the_picture(self):
        text = PngImagePlugin.PngInfo()
        text.add_text("Comment", "Hidden")
        for sent in (
            picture("PNG", pnginfo=text),
            picture("GIF", comment=b"Hidden"),
            picture("JPEG", comment=b"Hidden"),
            picture("JPEG") + b"<script>Hidden</script>",
        ):
            assert b"Hidden" in sent
            assert b"Hidden" not in images.clean(sent).content

    def test_turns_a_photo_upright(self):
        exif = Image.Exif()
        exif[ORIENTATION] = 6
        assert opened(images.clean(picture("JPEG", exif=exif)).content).size == (4, 8)

    def test_keeps_the_colors_profile(self):
        made = images.clean(picture("JPEG", icc_profile=b"profile"))
        assert opened(made.content).info["icc_profile"] == b"profile"

    @pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG"])
    def test_keeps_an_animation(self, form):
        made: Any = opened(images.clean(animation(form, loop=0)).content)
        assert (made.n_frames, made.info["loop"]) == (3, 0)
        made.seek(1)
        made.load()
        assert made.info["duration"] == 50

    def test_keeps_what_shines_through(self):
        content = io.BytesIO()
        Image.new("RGBA", (4, 4), (255, 0, 0, 0)).save(content, "PNG")
        again = opened(images.clean(content.getvalue()).content).convert("RGBA")
        assert again.getpixel((0, 0))[3] == 0  # type: ignore[index]

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"no picture",
            b"<svg xmlns='http://www.w3.org/2000/svg'/>",
            picture("BMP"),
            picture("TIFF"),
            b"\x89PNG\r\n\x1a\n" + b"\0" * 40,
            b"GIF89a" + b"\xff" * 40,
        ],
    )
    def test_refuses_what_is_none(self, content):
        with pytest.raises(PictureInvalid, match="broken, or no PNG"):
            images.clean(content)

    @pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF"])
    def test_refuses_what_was_cut_short(self, form):
        noise = Image.effect_noise((64, 64), 80).convert("RGB")
        content = io.BytesIO()
        noise.save(content, form)
        with pytest.raises(PictureInvalid):
            images.clean(content.getvalue()[: content.tell() // 2])

    @pytest.mark.parametrize(
        "content",
        [*map(picture, ("PNG", "JPEG", "WEBP", "GIF")), *map(animation, ("PNG", "WEBP", "GIF"))],
        ids=("PNG", "JPEG", "WEBP", "GIF", "PNG of frames", "WEBP of frames", "GIF of frames"),
    )
    def test_refuses_what_lacks_its_last_byte(self, content):
        images.clean(content)
        with pytest.raises(PictureInvalid):
            images.clean(content[:-1])

    def test_refuses_an_animation_that_was_cut_short_between_two_frames(self):
        content = animation("GIF")
        second = content.index(b"!\xf9", content.index(b"!\xf9") + 1)
        with pytest.raises(PictureInvalid, match="cut short"):
            images.clean(content[:second])

    @pytest.mark.parametrize("form", ["PNG", "GIF"])
    def test_takes_a_whole_one_with_more_behind_it(self, form):
        assert images.clean(picture(form) + b"more").suffix == form.lower()

    def test_refuses_a_bomb_before_it_goes_off(self):
        # 40,000 x 40,000 pixels by its head, and some bytes.
        head = bytearray(picture("PNG"))
        head[16:24] = (40_000).to_bytes(4, "big") * 2
        with pytest.raises(PictureInvalid):
            images.clean(bytes(head))

    def test_refuses_more_pixels_than_its_limit_in_one_or_many_frames(self, monkeypatch):
        monkeypatch.setattr(images, "MOST_PIXELS", 3 * 32)
        images.clean(animation("GIF"))
        for sent in (animation("GIF", 4), picture(size=(14, 7))):
            with pytest.raises(PictureInvalid, match="megapixels"):
                images.clean(sent)

    def test_refuses_many_frames(self, monkeypatch):
        monkeypatch.setattr(images, "MOST_FRAMES", 2)
        with pytest.raises(PictureInvalid, match="more than 2 frames"):
            images.clean(animation("GIF"))


@pytest.fixture
def media(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = str(tmp_path / "media")
    return tmp_path / "media"


def files(media: Path) -> list[Path]:
    return [path for path in media.rglob("*") if path.is_file()]


def put(client: Any, made: Product, content: bytes, content_type: str = "image/png") -> Any:
    url = f"{PRODUCTS}/{made.slug}/image"
    return client.generic("PUT", url, content, content_type=content_type)


@pytest.mark.django_db
class TestUpload:
    def test_shows_everyone_the_picture(self, api, as_staff, media, outbox_events):
        made = product()
        answer = put(as_staff, made, picture())
        assert answer.status_code == 200
        url = answer.json()["image_url"]
        assert url.startswith(f"/media/catalog/products/{made.id}/")
        assert answer["ETag"] == as_staff.get(f"{PRODUCTS}/{made.slug}")["ETag"]
        assert api.get(f"{PRODUCTS}/{made.slug}").json()["image_url"] == url
        shown = api.get(url)
        assert (shown.status_code, shown["Content-Type"]) == (200, "image/png")
        assert opened(shown.getvalue()).size == (8, 4)
        assert Product.objects.get().version == 2
        assert [e.type for e in outbox_events(made.id)[1:]] == ["product.updated"]
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.actor_id) == ("product.changed", as_staff.user_id)
        assert entry.details == {"fields": ["image_url"]}

    def test_is_told_by_its_bytes_not_by_its_name(self, as_staff, media):
        answer = put(as_staff, product(), picture("JPEG"), "image/webp")
        assert answer.json()["image_url"].endswith(".jpg")

    def test_may_be_longer_than_a_form(self, as_staff, media, settings):
        content = picture(size=(1000, 900), compress_level=0)
        assert len(content) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        assert put(as_staff, product(), content).status_code == 200

    def test_replaces_the_one_before(self, as_staff, media, django_capture_on_commit_callbacks):
        made = product()
        put(as_staff, made, picture())
        with django_capture_on_commit_callbacks(execute=True):
            second = put(as_staff, made, picture(color=BLUE)).json()["image_url"]
        assert [file.name for file in files(media)] == [second.rpartition("/")[2]]

    def test_sent_twice_is_one(self, as_staff, media):
        made = product()
        first, second = (put(as_staff, made, picture()).json() for _ in range(2))
        assert first == second
        assert len(files(media)) == 1
        assert Product.objects.get().version == 2

    def test_mends_a_file_that_was_lost(self, as_staff, api, media):
        made = product()
        put(as_staff, made, picture())
        for file in files(media):
            file.unlink()
        shown = api.get(put(as_staff, made, picture()).json()["image_url"])
        assert (shown.status_code, len(shown.getvalue()) > 0) == (200, True)

    @pytest.mark.parametrize(
        ("content", "content_type", "status", "code"),
        [
            (b"no picture", "image/png", 400, "picture-invalid"),
            (b"", "image/png", 400, "picture-invalid"),
            (b"<svg/>", "image/svg+xml", 415, "unsupported-media-type"),
            (b"{}", "application/json", 415, "unsupported-media-type"),
            (b"x", "", 415, "unsupported-media-type"),
            (b"\0" * (8 * 1_048_576 + 1), "image/png", 413, "body-too-large"),
        ],
    )
    def test_of_anything_else_is_refused(
        self, as_staff, media, content, content_type, status, code
    ):
        problem_of(put(as_staff, product(), content, content_type), status, code)
        assert files(media) == []
        assert Product.objects.get().image_url == ""

    def test_is_for_staff(self, api, as_customer, as_staff, media):
        made = product()
        problem_of(put(api, made, picture()), 401, "authentication-required")
        problem_of(put(as_customer, made, picture()), 403, "permission-denied")
        problem_of(as_customer.delete(f"{PRODUCTS}/{made.slug}/image"), 403, "permission-denied")
        made.slug = "none"
        problem_of(put(as_staff, made, picture()), 404, "not-found")
        problem_of(as_staff.delete(f"{PRODUCTS}/none/image"), 404, "not-found")
        assert files(media) == []

    def test_that_fails_leaves_no_file(self, media, monkeypatch):
        made = product()

        def fail(*_: Any, **__: Any) -> None:
            assert len(files(media)) == 1
            raise SlugTaken

        monkeypatch.setattr(products, "change_product", fail)
        with pytest.raises(SlugTaken):
            pictures.store(slug=made.slug, content=picture(), by=None)
        assert files(media) == []

    def test_that_only_seemed_to_fail_keeps_its_file(self, media, monkeypatch):
        """The connection broke after the commit had arrived."""
        made = product()

        def commit_then_fail(product: Product, values: Any, *, by: Any) -> None:
            Product.objects.filter(id=made.id).update(**values)
            raise OperationalError

        monkeypatch.setattr(products, "change_product", commit_then_fail)
        monkeypatch.setattr(products, "lock_product", lambda **_: made)
        no_transaction = SimpleNamespace(atomic=lambda **_: nullcontext())
        monkeypatch.setattr(pictures, "transaction", no_transaction)
        with pytest.raises(OperationalError):
            pictures.store(slug=made.slug, content=picture(), by=None)
        assert len(files(media)) == 1

    def test_is_answered_503_where_the_storage_is_away(self, as_staff, media, monkeypatch):
        def fail(*_: Any) -> None:
            raise OSError("disk")

        monkeypatch.setattr(FileSystemStorage, "_save", fail)
        answer = put(as_staff, product(), picture())
        problem_of(answer, 503, "storage-unavailable")
        assert answer["Retry-After"] == "1"


@pytest.mark.django_db
class TestRemoval:
    @pytest.fixture
    def made(self, as_staff, media) -> Product:
        made = product()
        put(as_staff, made, picture())
        made.refresh_from_db()
        return made

    def test_takes_the_file_away_once_it_is_committed(
        self, as_staff, made, media, django_capture_on_commit_callbacks
    ):
        url = f"{PRODUCTS}/{made.slug}/image"
        with django_capture_on_commit_callbacks() as callbacks:
            assert as_staff.delete(url).status_code == 204
        assert len(files(media)) == 1
        for callback in callbacks:
            callback()
        assert files(media) == []
        assert Product.objects.get().image_url == ""
        assert as_staff.delete(url).status_code == 204
        assert Product.objects.get().version == 3

    def test_follows_a_change_of_the_url(
        self, as_staff, made, media, django_capture_on_commit_callbacks
    ):
        with django_capture_on_commit_callbacks(execute=True):
            as_staff.patch(f"{PRODUCTS}/{made.slug}", {"image_url": "https://cdn.example/a.png"})
        assert files(media) == []

    @pytest.mark.parametrize(
        "way", ["https://cdn.example{}", "https://[x{}", "{}?v=2", "{}#x", "{}?a=/b"]
    )
    def test_spares_the_file_that_the_new_url_is_of(
        self, as_staff, made, media, way, django_capture_on_commit_callbacks
    ):
        with django_capture_on_commit_callbacks(execute=True):
            patch = {"image_url": way.format(made.image_url)}
            assert as_staff.patch(f"{PRODUCTS}/{made.slug}", patch).status_code == 200
        assert len(files(media)) == 1

    def test_leaves_what_is_not_its_own(
        self, as_staff, made, media, django_capture_on_commit_callbacks
    ):
        (media / "lamp.svg").write_text("<svg/>")
        folder, _, file = made.image_url.rpartition("/")
        other = product()
        for url in (
            made.image_url,
            "/media/catalog/lamp.svg",
            f"{folder}/../../lamp.svg",
            f"https://elsewhere.example/products/{other.id}/{file}",
        ):
            products.update_product(slug=other.slug, values={"image_url": url}, by=None)
            with django_capture_on_commit_callbacks(execute=True):
                pictures.remove(slug=other.slug, by=None)
        assert len(files(media)) == 2

    def test_stands_where_the_file_cannot_be_removed(
        self, as_staff, made, monkeypatch, django_capture_on_commit_callbacks
    ):
        def fail(*_: Any) -> None:
            raise OSError("disk")

        monkeypatch.setattr(FileSystemStorage, "delete", fail)
        with django_capture_on_commit_callbacks(execute=True):
            assert as_staff.delete(f"{PRODUCTS}/{made.slug}/image").status_code == 204
        assert Product.objects.get().image_url == ""
