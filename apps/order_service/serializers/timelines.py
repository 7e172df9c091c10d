"""Shape of an order's timeline."""

from typing import Any, Final

from rest_framework import serializers

from apps.order_service.selectors import EntryKind

ENTRY_KINDS: Final = [kind.value for kind in EntryKind]


class TimelineEntrySerializer(serializers.Serializer[Any]):
    """Something that happened to an order."""

    at = serializers.DateTimeField()
    kind = serializers.ChoiceField(ENTRY_KINDS)
    what = serializers.CharField(
        help_text="A status, a call, an event's type, or what became of a payment."
    )
    who = serializers.CharField(
        help_text="Of changes of status a customer is told customer or the shop."
    )
    detail = serializers.CharField(allow_blank=True)
    request_id = serializers.CharField(
        allow_blank=True, help_text="Of the request that did it; empty where that is forgotten."
    )


class TimelineSerializer(serializers.Serializer[Any]):
    results = TimelineEntrySerializer(many=True)
