"""The pages that every service has."""

from chassis.admin.dead_letters import DeadLetterAdmin
from chassis.admin.events import InboxAdmin, OutboxAdmin
from chassis.admin.security import AuditEntryAdmin, DenyEntryAdmin
from chassis.admin.site import ServiceAdminSite
from chassis.models import AuditEntry, DeadLetter, DenyEntry, InboxEvent, OutboxEvent


def add_common_pages(
    site: ServiceAdminSite, *, audit_admin: type[AuditEntryAdmin] = AuditEntryAdmin
) -> None:
    """Add events, dead letters, the audit log and who is denied to a service's site.

    Args:
        site: the service's.
        audit_admin: pages of the audit log, where the service knows more about who did it.
    """
    events, security = "Events", "Security"
    site.add_page(OutboxEvent, OutboxAdmin, section=events, icon="outbox")
    site.add_page(InboxEvent, InboxAdmin, section=events, icon="inbox")
    site.add_page(DeadLetter, DeadLetterAdmin, section=events, icon="report")
    site.add_page(AuditEntry, audit_admin, section=security, icon="history")
    site.add_page(DenyEntry, DenyEntryAdmin, section=security, icon="block")
