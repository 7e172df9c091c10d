"""Categories and alerts in the admin."""

import pytest

from apps.catalog_service.models import Alert, AlertKind, Category
from apps.catalog_service.services import alerts
from chassis.models import AuditEntry
from tests.catalog_service import factories
from tests.staff import messages_of, token_of

CATEGORIES = "/admin/catalog/catalog/category/"
ALERTS = "/admin/catalog/catalog/alert/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(staff_browser):
    return staff_browser("staff")


def last_entry():
    """Return what staff did last, and who."""
    entry = AuditEntry.objects.latest("id")
    return entry.action, entry.actor_id


class TestCategories:
    def test_stand_as_a_tree(self, staff):
        for name, parent in (("Zebra", None), ("Home", None), ("Rugs", "home"), ("Lamps", "home")):
            factories.category(name, parent=parent)
        rows = staff.get(CATEGORIES).context["rows"]
        assert [(node.name, node.depth) for node, _ in rows] == [
            ("Home", 0),
            ("Lamps", 1),
            ("Rugs", 1),
            ("Zebra", 0),
        ]

    def test_are_added_renamed_moved_and_deleted(self, staff):
        home = factories.category("Home")
        staff.press(f"{CATEGORIES}add/", name="Lamps", slug="", parent="home")
        lamps = Category.objects.get(slug="lamps")
        assert lamps.parent_id == home.pk
        assert last_entry() == ("category.created", staff.user_id)
        again = staff.press(f"{CATEGORIES}add/", name="Lamps", slug="", parent="home")
        assert "slug" in again.context["form"].errors
        url = f"{CATEGORIES}{lamps.pk}/change/"
        staff.press(url, name="Lights", slug="lights", parent="")
        lamps.refresh_from_db()
        assert (lamps.name, lamps.slug) == ("Lights", "lights")
        assert lamps.parent is None
        answer = staff.press(f"{CATEGORIES}{lamps.pk}/delete/")
        assert messages_of(answer) == ["Lights is deleted."]
        assert last_entry() == ("category.deleted", staff.user_id)
        assert not Category.objects.filter(pk=lamps.pk).exists()

    def test_do_not_go_while_they_hold_something(self, staff):
        factories.product(category=factories.category("Home").slug)
        home = Category.objects.get()
        answer = staff.press(f"{CATEGORIES}{home.pk}/delete/")
        assert messages_of(answer) == ["home has products or sub-categories"]
        assert Category.objects.exists()

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"name": ""}, "name"),
            ({"slug": "no spaces"}, "slug"),
            ({"parent": "none"}, "parent"),
            ({"parent": "lamps"}, "parent"),
        ],
    )
    def test_say_what_is_wrong(self, staff, changes, field):
        home = factories.category("Home")
        factories.category("Lamps", parent="home")
        form = {"name": "Home", "slug": "home", "parent": "", **changes}
        answer = staff.press(f"{CATEGORIES}{home.pk}/change/", **form)
        assert list(answer.context["form"].errors) == [field]
        assert Category.objects.get(pk=home.pk).parent_id is None

    def test_say_all_that_is_wrong_at_once(self, staff):
        answer = staff.press(f"{CATEGORIES}add/", name="", slug="no spaces", parent="none")
        assert answer.context["form"].errors.keys() == {"name", "slug", "parent"}


class TestAlerts:
    def test_are_cleared_once(self, staff):
        lamp = factories.product()
        alerts.raise_alert(AlertKind.STOCK_LOW, lamp.id, sku=lamp.sku)
        alert = Alert.objects.get()
        url = f"{ALERTS}{alert.pk}/clear/"
        assert lamp.sku in staff.get(ALERTS).content.decode()
        token = token_of(staff.get(url))
        answers = [staff.post(url, {"csrfmiddlewaretoken": token}) for _ in range(2)]
        assert messages_of(answers[1]) == ["The alert is cleared.", "The alert is cleared already"]
        assert Alert.objects.get().cleared_at is not None
        assert AuditEntry.objects.filter(action="alert.cleared").count() == 1
        assert last_entry() == ("alert.cleared", staff.user_id)
        assert "/clear/" not in staff.get(f"{ALERTS}{alert.pk}/change/").content.decode()

    def test_are_cleared_together(self, staff):
        for _ in range(2):
            alerts.raise_alert(AlertKind.STOCK_LOW, factories.product().id)
        token = token_of(staff.get(ALERTS))
        answer = staff.post(
            ALERTS,
            {
                "csrfmiddlewaretoken": token,
                "action": "clear_selected",
                "confirmed": "yes",
                "_selected_action": [str(pk) for pk in Alert.objects.values_list("pk", flat=True)],
            },
        )
        assert messages_of(answer) == ["2 alerts cleared."]
        assert not Alert.objects.filter(cleared_at=None).exists()
