import pytest

from chassis.ids import uuid7
from chassis.tokens.principal import Principal


def principal(role):
    user_id = uuid7()
    return Principal(subject=str(user_id), role=role, scopes=frozenset(), user_id=user_id)


class TestPrincipal:
    @pytest.mark.parametrize(
        ("role", "may"), [("customer", False), ("service", False), ("staff", True), ("admin", True)]
    )
    def test_may_all_that_the_admin_pages_ask_for_if_it_is_staff(self, role, may):
        user = principal(role)
        assert user.is_staff is may
        assert user.has_perm("orders.change_order") is may
        assert user.has_perm("orders.change_order", object()) is may
        assert user.has_perms(["orders.view_order", "orders.change_order"]) is may
        assert user.has_module_perms("orders") is may

    def test_is_known_by_its_subject_and_shown_by_its_role(self):
        user = principal("admin")
        assert user.pk == user.id == user.get_username() == user.subject == str(user.user_id)
        assert user.get_full_name() == user.get_short_name() == "Admin"
        assert (user.is_authenticated, user.is_active, user.is_anonymous) == (True, True, False)
        assert not user.has_usable_password()

    def test_cannot_be_changed(self):
        with pytest.raises(AttributeError):
            principal("staff").role = "admin"
