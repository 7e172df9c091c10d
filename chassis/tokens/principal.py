"""Who a verified token speaks for."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Principal:
    """The user or service that a verified token speaks for. `user_id` is None for a service.

    It speaks Django's user protocol as far as Django's admin asks: rights come from the role alone,
    there are no groups, and the names tell no more than the token does.
    """

    subject: str
    role: str
    scopes: frozenset[str]
    user_id: UUID | None = None

    is_authenticated = True
    is_anonymous = False
    is_active = True

    @property
    def pk(self) -> str:
        """Return what throttles count by."""
        return self.subject

    @property
    def id(self) -> str:
        """Return the same as `pk`."""
        return self.subject

    @property
    def is_staff(self) -> bool:
        """Tell whether staff's calls and the admin pages are open to it."""
        return self.role in {"staff", "admin"}

    @property
    def is_admin(self) -> bool:
        """Tell whether the admin's calls are open to it."""
        return self.role == "admin"

    def get_username(self) -> str:
        """Return the subject: a token names nobody."""
        return self.subject

    def get_full_name(self) -> str:
        """Return the role, as a heading."""
        return self.role.capitalize()

    def get_short_name(self) -> str:
        """Return the role, as a heading."""
        return self.role.capitalize()

    def has_usable_password(self) -> bool:
        """Tell that there is no password to change here: the auth service has it."""
        return False

    def has_perm(self, perm: str, obj: object = None) -> bool:
        """Tell whether it may do something to a model: staff may, nobody else."""
        return self.is_staff

    def has_perms(self, perm_list: Iterable[str], obj: object = None) -> bool:
        """Tell whether it may do several things to a model: staff may, nobody else."""
        return self.is_staff

    def has_module_perms(self, app_label: str) -> bool:
        """Tell whether an app's pages are open to it: to staff they are."""
        return self.is_staff
