from dataclasses import dataclass

import pytest
from django.conf import settings

from chassis.events import declarations, schemas
from chassis.events.declarations import (
    DeclarationError,
    Order,
    Subscription,
    consumes,
    event,
    handles,
)
from tests.chassis.sample.events import NoteTaken


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch):
    for name in ("_published", "_names", "_subscriptions"):
        monkeypatch.setattr(declarations, name, dict(getattr(declarations, name)))


@dataclass(frozen=True)
class Frozen:
    number: int


class TestEvent:
    def test_refuses_what_can_be_changed(self):
        @dataclass
        class Changing:
            number: int

        with pytest.raises(DeclarationError, match="Changing must be a frozen dataclass"):
            event("sample.other", version=1, consumers=())(Changing)
        with pytest.raises(DeclarationError, match="str must be a frozen dataclass"):
            consumes("sample.other")(str)

    def test_refuses_a_name_that_is_taken(self):
        event("sample.other", version=1, consumers=())(Frozen)
        with pytest.raises(DeclarationError, match=r"sample\.other is declared twice"):
            event("sample.other", version=1, consumers=())(Frozen)

    def test_refuses_one_service_in_the_place_of_several(self):
        with pytest.raises(DeclarationError, match="a tuple of services, not to 'order'"):
            event("sample.other", version=1, consumers="order")(Frozen)  # type: ignore[arg-type]


class TestHandles:
    def test_refuses_an_undeclared_class(self):
        with pytest.raises(DeclarationError, match="Frozen is not declared"):
            handles(Frozen, consumer="c")(lambda _: "")

    def test_refuses_one_consumer_twice(self):
        consumes("sample.other")(Frozen)
        handles(Frozen, consumer="c")(lambda _: "")
        with pytest.raises(DeclarationError, match=r"c handles sample\.other twice"):
            handles(Frozen, consumer="c")(lambda _: "")

    def test_refuses_two_views_of_one_event(self):
        @dataclass(frozen=True)
        class Other:
            number: int

        consumes("sample.other")(Frozen)
        consumes("sample.other")(Other)
        handles(Frozen, consumer="c")(lambda _: "")
        with pytest.raises(DeclarationError, match=r"sample\.other is handled by two classes"):
            handles(Other, consumer="d")(lambda _: "")

    @pytest.mark.parametrize(
        ("wrong", "sentence"),
        [
            ({"order": "newest"}, "c has the order 'newest', which is none of Order's"),
            ({"consumer": "x" * 101}, "x is longer than 100 characters"),
            ({"consumer": "auth.hear"}, "auth.hear has the name of another service"),
        ],
    )
    def test_refuses_what_it_cannot_keep(self, wrong, sentence):
        with pytest.raises(DeclarationError, match=sentence):
            handles(Frozen, **{"consumer": "c", **wrong})


class TestCheckOrder:
    """A consumer that must not skip an event waits in vain for one that it is not given."""

    @pytest.fixture
    def handle(self, monkeypatch):
        names = ("parcel.sent", "parcel.arrived")
        monkeypatch.setattr(declarations, "_subscriptions", {})
        monkeypatch.setattr(
            settings, "EVENT_PUBLISHERS", {**dict.fromkeys(names, "order"), "letter.sent": "order"}
        )

        def put(name, order):
            declarations._subscriptions[name] = [
                Subscription(name=name, consumer="c", payload=Frozen, handler=str, order=order)
            ]

        return put

    def test_refuses_a_consumer_that_must_not_skip_and_is_not_given_all(self, handle):
        handle("parcel.sent", Order.GAPLESS)
        with pytest.raises(
            DeclarationError, match=r"c must not .* does not handle parcel\.arrived"
        ):
            declarations.check_order()

    def test_refuses_a_consumer_that_may_skip_some_of_them(self, handle):
        handle("parcel.sent", Order.GAPLESS)
        handle("parcel.arrived", Order.ANY)
        with pytest.raises(DeclarationError, match=r"c must not .* may skip parcel\.arrived"):
            declarations.check_order()

    @pytest.mark.parametrize("order", [Order.ANY, Order.NEWEST], ids=lambda order: order.value)
    def test_takes_one_that_may_skip(self, handle, order):
        handle("parcel.sent", order)
        declarations.check_order()

    def test_takes_one_that_is_given_all(self, handle):
        handle("parcel.sent", Order.GAPLESS)
        handle("parcel.arrived", Order.GAPLESS)
        declarations.check_order()


class TestSchemas:
    def test_describe_the_wire_and_hold_no_reference(self):
        schema = schemas.published()["sample.note_taken"]
        assert schema["$id"] == "urn:souk:event:sample.note_taken:v1"
        assert schema["x-consumers"] == ["order"]
        assert schema["required"] == ["text"]
        assert schema["properties"]["price"]["format"] == "decimal"
        assert "$ref" not in str(schema)
        assert schemas.consumed()["sample.note_taken"] == schemas.schema_of(NoteTaken)
