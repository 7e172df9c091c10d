"""The admin of the auth service."""

from typing import Final

from apps.auth_service.admin.auditing import AuthAuditEntryAdmin
from apps.auth_service.admin.clients import ServiceClientAdmin
from apps.auth_service.admin.keys import SigningKeyAdmin
from apps.auth_service.admin.overview import dashboard
from apps.auth_service.admin.sessions import SessionAdmin
from apps.auth_service.admin.users import UserAdmin
from apps.auth_service.models import RefreshFamily, ServiceClient, SigningKey, User
from chassis.admin.pages import add_common_pages
from chassis.admin.site import ServiceAdminSite

site: Final = ServiceAdminSite(dashboard=dashboard)
site.add_page(User, UserAdmin, section="Accounts", icon="group")
site.add_page(RefreshFamily, SessionAdmin, section="Accounts", icon="devices")
site.add_page(SigningKey, SigningKeyAdmin, section="Security", icon="key")
site.add_page(ServiceClient, ServiceClientAdmin, section="Security", icon="hub")
add_common_pages(site, audit_admin=AuthAuditEntryAdmin)
