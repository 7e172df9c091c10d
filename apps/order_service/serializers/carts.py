"""Shapes of carts."""

from typing import Any

from rest_framework import serializers

from apps.order_service.serializers.orders import ADDRESS, AddressSerializer, QuantityField
from chassis.fields import MoneyField, TextField
from chassis.openapi import example


class CartParameters(serializers.Serializer[Any]):
    """The query string of a cart."""

    country = TextField(
        max_length=2,
        required=False,
        help_text="Where the goods would go (ISO 3166-1 alpha-2): decides on shipping and tax.",
    )

    validate_country = AddressSerializer.validate_country


@example({"quantity": 2})
class CartItemRequestSerializer(serializers.Serializer[Any]):
    quantity = QuantityField(help_text="How many the cart holds from now on; not added.")


@example({"shipping_address": ADDRESS})
class CheckoutRequestSerializer(serializers.Serializer[Any]):
    shipping_address = AddressSerializer()
    expected_total = MoneyField(
        required=False,
        allow_null=True,
        help_text="The total of the cart for the address's country; 409 price-changed where it is "
        "another now.",
    )


@example(
    {
        "sku": "LMP-001",
        "name": "Mosaic Hanging Lamp, Turquoise",
        "slug": "mosaic-hanging-lamp-turquoise",
        "image_url": "/media/catalog/mosaic-hanging-lamp-turquoise.svg",
        "quantity": 2,
        "unit_price": "58.00",
        "line_total": "116.00",
        "for_sale": True,
        "available": 10,
        "in_stock": True,
        "enough": True,
        "is_current": True,
        "as_of": "2026-01-02T03:04:05.000000Z",
    }
)
class CartLineSerializer(serializers.Serializer[Any]):
    sku = serializers.CharField()
    name = serializers.CharField(allow_null=True)
    slug = serializers.CharField(allow_null=True)
    image_url = serializers.CharField(allow_null=True)
    quantity = serializers.IntegerField()
    unit_price = MoneyField(allow_null=True)
    line_total = MoneyField(allow_null=True)
    for_sale = serializers.BooleanField(
        allow_null=True,
        help_text="false: nobody can order it any more; it is not in the totals",
    )
    available = serializers.IntegerField(
        allow_null=True, help_text="Pieces, shown up to a number that the shop sets"
    )
    in_stock = serializers.BooleanField(allow_null=True)
    enough = serializers.BooleanField(
        allow_null=True, help_text="Whether the line could be had in full"
    )
    is_current = serializers.BooleanField(
        help_text="false: as last known, since catalog cannot be asked now"
    )
    as_of = serializers.DateTimeField(
        allow_null=True, help_text="When it was known to be so; null: nothing is known of it"
    )


class CartSerializer(serializers.Serializer[Any]):
    """A cart; the totals are null where a price is not known."""

    lines = CartLineSerializer(many=True)
    subtotal = MoneyField(allow_null=True)
    shipping = MoneyField(allow_null=True)
    tax = MoneyField(allow_null=True)
    total = MoneyField(allow_null=True, help_text="What an order of the cart would cost")
    currency = serializers.CharField()
    is_current = serializers.BooleanField(help_text="Whether every line is")
