"""The feed over HTTP: for services only, behind the private entry point."""

from typing import Any, Final, cast

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chassis.events import declarations, feed
from chassis.tokens.authentication import ServiceAuthentication, has_scope
from chassis.tokens.principal import Principal

_LARGEST: Final = 2**63 - 1


class FeedInput(serializers.Serializer[Any]):
    """Which part of the feed; `from` is a word of Python, hence its place below."""

    after = serializers.IntegerField(
        min_value=0, max_value=_LARGEST, default=0, help_text="position of the page before"
    )
    epoch = serializers.UUIDField(default=None, help_text="epoch of the page before")
    last_id = serializers.UUIDField(default=None, help_text="last_id of the page before")
    limit = serializers.IntegerField(
        min_value=1, max_value=feed.LARGEST_LIMIT, default=feed.DEFAULT_LIMIT
    )
    to = serializers.DateTimeField(default=None, help_text="Events written before this time")
    type = serializers.CharField(
        default=None, max_length=100, help_text="Events of this type; one that the caller gets"
    )

    def get_fields(self) -> dict[str, Any]:
        """Return the fields with the one that has a word of Python for its name."""
        since = serializers.DateTimeField(
            default=None, help_text="Events written at this time or later"
        )
        return {**super().get_fields(), "from": since}


class EntryOutput(serializers.Serializer[Any]):
    position = serializers.IntegerField()
    event = serializers.DictField(help_text="A CloudEvent, as contracts/events describes its data")


class FeedOutput(serializers.Serializer[Any]):
    epoch = serializers.UUIDField(
        allow_null=True, help_text="Names this history of positions; null before the first event"
    )
    position = serializers.IntegerField(
        help_text="Up to here this page looked, at events addressed to others too"
    )
    last_id = serializers.UUIDField(allow_null=True, help_text="Id of the event at position")
    more = serializers.BooleanField(help_text="Whether there may be more to read at once")
    restarted = serializers.BooleanField(
        help_text="Whether `after` meant nothing here, as after a restore: this is the first page"
    )
    held = serializers.BooleanField(
        help_text="Whether the page ends before an event of a type that this release does not know"
    )
    pruned = serializers.IntegerField(
        help_text="Events behind `after` that were deleted before they were read, others' among them"
    )
    kept_since = serializers.DateTimeField(
        allow_null=True,
        help_text="On the first page from a time on: the oldest event's, if older ones were deleted",
    )
    events = EntryOutput(many=True)


class EventsView(APIView):
    """For services only, behind the private entry point."""

    authentication_classes = [ServiceAuthentication]
    permission_classes = [has_scope("events:read")]

    @extend_schema(
        operation_id="events_list",
        summary="Read the events addressed to the calling service, in the order of their positions",
        description="A page ends before the first event younger than "
        f"{feed.SETTLE_SECONDS} seconds, which is on its way through the broker.",
        parameters=[FeedInput],
        responses=FeedOutput,
    )
    def get(self, request: Request) -> Response:
        """Answer the next page."""
        given = FeedInput(data=request.query_params)
        given.is_valid(raise_exception=True)
        asked = given.validated_data
        consumer = cast("Principal", request.user).subject
        _refuse_others(asked["type"], consumer)
        page = feed.read(
            consumer,
            place=feed.Place(asked["epoch"], asked["after"], asked["last_id"]),
            now=timezone.now(),
            limit=asked["limit"],
            selection=feed.Selection(name=asked["type"], since=asked["from"], until=asked["to"]),
        )
        return Response(page)


def _refuse_others(name: str | None, consumer: str) -> None:
    """Refuse a type that the caller does not get: it would wait for it in vain."""
    if name is None:
        return
    declaration = declarations.published().get(name)
    if declaration is None or consumer not in declaration.consumers:
        raise serializers.ValidationError({"type": f"No event {name} is sent to {consumer}"})
