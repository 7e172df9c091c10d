"""GET /docs and /docs/openapi/auth.yaml."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from chassis import documentation

PAGE = "/docs"
DOCUMENT = "/docs/openapi/auth.yaml"
CONTRACT = Path(__file__).resolve().parents[2] / "contracts" / "openapi" / "auth.yaml"


class Read(HTMLParser):
    """Every tag with its attributes, and what scripts and styles hold between their tags."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.inline, self.within = [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.within = tag

    def handle_endtag(self, tag):
        self.within = ""

    def handle_data(self, data):
        if self.within in {"script", "style"} and data.strip():
            self.inline.append(data)


@pytest.fixture
def read(api):
    return Read(api.get(PAGE).content.decode())


class TestPage:
    def test_lists_the_document_of_each_service(self, read):
        listed = {
            tag[1]["data-service"]: tag[1]["href"] for tag in read.tags if "data-service" in tag[1]
        }
        assert listed == {
            name: f"/docs/openapi/{name}.yaml" for name in ("auth", "catalog", "order")
        }

    def test_loads_files_of_its_own_origin_alone_and_holds_no_script(self, read):
        loaded = [a.get("src") or a["href"] for t, a in read.tags if t in {"script", "link", "img"}]
        assert len(loaded) == 6
        assert [url for url in loaded if not url.startswith("/static/auth/")] == []
        assert read.inline == []
        handlers = [name for _, attributes in read.tags for name in attributes if name[:2] == "on"]
        assert handlers + [a["style"] for _, a in read.tags if "style" in a] == []

    def test_names_files_that_there_are(self, api, read):
        for tag, attributes in read.tags:
            url = attributes.get("src") if tag in {"script", "img"} else attributes.get("href", "")
            if url and url.startswith("/static/"):
                answer = api.get(url)
                assert answer.status_code == 200, url
                answer.close()

    def test_lets_nothing_else_run_be_asked_or_frame_it(self, api):
        answer = api.get(PAGE)
        policy = dict(
            directive.split(" ", 1) for directive in answer["Content-Security-Policy"].split("; ")
        )
        assert policy == {
            "default-src": "'none'",
            "script-src": "'self'",
            "style-src": "'self'",
            "img-src": "'self' data:",
            "connect-src": "'self'",
            "base-uri": "'none'",
            "form-action": "'none'",
            "frame-ancestors": "'none'",
        }
        assert answer["X-Frame-Options"] == "DENY"
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert not answer.cookies

    def test_is_the_same_whatever_is_asked(self, api, as_admin):
        plain = api.get(PAGE)
        for other in (
            api.get(
                f"{PAGE}?url=https://evil.example/x.yaml&configUrl=//evil.example&service=<script>"
            ),
            api.get(PAGE, HTTP_HOST="testserver", HTTP_ACCEPT="application/json"),
            api.get(PAGE, HTTP_AUTHORIZATION="Bearer nonsense"),
            as_admin.get(PAGE),
        ):
            assert (other.status_code, other.content) == (200, plain.content)

    def test_leads_who_adds_a_slash_to_it_and_nowhere_else(self, api):
        for path in ("/docs/", "/docs/?next=https://evil.example"):
            answer = api.get(path)
            assert (answer.status_code, answer["Location"]) == (302, PAGE)


class TestDocument:
    def test_is_the_contract_byte_for_byte(self, api):
        answer = api.get(DOCUMENT)
        assert answer.status_code == 200
        assert answer["Content-Type"] == "application/yaml"
        # The command that writes the contract ends it with a line break more, if with any.
        assert answer.content.decode().rstrip() == CONTRACT.read_text().rstrip()

    def test_is_made_without_the_database(self, api):
        documentation._make.cache_clear()
        assert api.get(DOCUMENT).status_code == 200  # pytest-django forbids queries here

    def test_is_made_once_in_a_process(self, api, monkeypatch):
        api.get(DOCUMENT)
        monkeypatch.setattr(documentation, "SchemaGenerator", None)
        assert api.get(DOCUMENT).status_code == 200

    def test_is_of_this_service_alone(self, api):
        for other in ("catalog", "order"):
            assert api.get(f"/docs/openapi/{other}.yaml").status_code == 404


@pytest.mark.parametrize("path", [PAGE, DOCUMENT])
class TestBoth:
    @pytest.mark.parametrize("offered", ["{0}", "W/{0}", "*"])
    def test_are_not_sent_again_to_who_has_them(self, api, path, offered):
        first = api.get(path)
        assert first["Cache-Control"] == "public, max-age=300"
        again = api.get(path, HTTP_IF_NONE_MATCH=offered.format(first["ETag"]))
        assert (again.status_code, again.content) == (304, b"")
        assert (again["ETag"], again["Cache-Control"]) == (first["ETag"], first["Cache-Control"])

    def test_are_sent_to_who_has_others(self, api, path):
        answer = api.get(path, HTTP_IF_NONE_MATCH='"other"')
        assert answer.status_code == 200
        assert re.fullmatch(r'"[0-9a-f]{24}"', answer["ETag"])

    def test_take_no_other_method(self, api, path):
        answer = api.post(path, {})
        assert (answer.status_code, answer.json()["code"]) == (405, "method-not-allowed")

    def test_answer_head_without_a_body(self, api, path):
        answer = api.head(path)
        assert (answer.status_code, answer.content) == (200, b"")
