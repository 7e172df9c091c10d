"""Filters for the admin's templates."""

from django import template

from chassis.admin import display

register = template.Library()
register.filter("actor", display.actor)
register.filter("money", display.money)
register.filter("when", display.when)
register.filter("changes", display.changes)
register.filter("short_id", display.short_id)
register.filter("user_link", display.user_link)
