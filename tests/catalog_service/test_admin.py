"""The admin of the catalog service: so far the pages that every service has."""

import pytest

from apps.catalog_service.admin import site
from tests.staff import foreign_urls, lists

HOME = "/admin/catalog/"


@pytest.mark.django_db
class TestPages:
    def test_open_to_staff(self, staff_browser):
        browser = staff_browser("staff")
        for _, url in [(None, HOME), *lists(site)]:
            page = browser.get(url)
            assert page.status_code == 200, url
            assert foreign_urls(page.content.decode()) == []

    def test_are_closed_to_everybody_else(self, client, staff_browser):
        for _, url in [(None, HOME), *lists(site)]:
            assert client.get(url).status_code == 302
            assert staff_browser("customer").get(url).status_code == 302

    def test_are_found_without_the_last_slash(self, staff_browser):
        assert staff_browser().get("/admin/catalog")["Location"] == HOME


class TestSite:
    def test_passes_djangos_checks(self):
        assert site.check(None) == []
