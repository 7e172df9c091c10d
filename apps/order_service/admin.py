"""The admin of the order service."""

from typing import Final

from chassis.admin.dashboard import bus_dashboard
from chassis.admin.pages import add_common_pages
from chassis.admin.site import ServiceAdminSite

site: Final = ServiceAdminSite(dashboard=bus_dashboard)
add_common_pages(site)
