"""The caller's cart: show it, fill it, empty it, order what is in it."""

from typing import Final

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.order_service import errors, serializers, services
from apps.order_service.api import requests
from apps.order_service.api.orders import LOCATION, PLACING_PROBLEMS
from chassis.openapi import may_answer
from chassis.tokens.authentication import IsUser

_NOTHING: Final = OpenApiResponse(description="Done, or there was nothing to do")


def _country(request: Request) -> str:
    parameters = serializers.CartParameters(data=request.query_params.dict())
    parameters.is_valid(raise_exception=True)
    country: str = parameters.validated_data.get("country", "")
    return country


class CartView(APIView):
    permission_classes = [IsUser]

    @extend_schema(
        operation_id="cart_read",
        tags=["Cart"],
        summary="Read one's cart",
        description="With prices, stock and totals as they are now. While the catalog is unreachable, 200 all the same: is_current is false, and "
        "lines are as last known (as_of), or null. What is no longer for sale stays in the cart "
        "with for_sale false, and counts for nothing. total is what an order to that country "
        "would cost: it may be sent as expected_total.",
        parameters=[serializers.CartParameters],
        responses=serializers.CartSerializer,
    )
    def get(self, request: Request) -> Response:
        country = _country(request)
        return Response(services.show_cart(user_id=requests.user_id(request), country=country))

    @extend_schema(
        operation_id="cart_clear",
        tags=["Cart"],
        summary="Empty one's cart",
        responses={204: _NOTHING},
    )
    def delete(self, request: Request) -> Response:
        services.clear_cart(user_id=requests.user_id(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class CartItemView(APIView):
    permission_classes = [IsUser]

    @extend_schema(
        operation_id="cart_put_item",
        tags=["Cart"],
        extensions=may_answer(errors.UnknownSku, errors.CartFull),
        summary="Let one's cart hold this many of a product",
        description="Answers the cart. 422 unknown-sku where the product is not for sale (while the catalog is "
        "unreachable any is taken); 409 cart-full beyond 100 lines.",
        parameters=[serializers.CartParameters],
        request=serializers.CartItemRequestSerializer,
        responses=serializers.CartSerializer,
    )
    def put(self, request: Request, sku: str) -> Response:
        country = _country(request)
        body = serializers.CartItemRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        cart = services.put_item(
            user_id=requests.user_id(request), sku=sku, country=country, **body.validated_data
        )
        return Response(cart)

    @extend_schema(
        operation_id="cart_remove_item",
        tags=["Cart"],
        summary="Take a product out of one's cart",
        responses={204: _NOTHING},
    )
    def delete(self, request: Request, sku: str) -> Response:
        services.remove_item(user_id=requests.user_id(request), sku=sku)
        return Response(status=status.HTTP_204_NO_CONTENT)


class CheckoutView(APIView):
    permission_classes = [IsUser]

    @extend_schema(
        operation_id="cart_checkout",
        tags=["Cart"],
        extensions=may_answer(*requests.KEY_PROBLEMS, errors.CartEmpty, *PLACING_PROBLEMS),
        summary="Place an order of what is in one's cart",
        description="Answers as POST /orders does; 409 cart-empty where there is nothing to order, "
        "which is not kept under the key. The lines leave the cart as the order begins, and come "
        "back if it is rejected, or cancelled while it is pending. In errors of out-of-stock and "
        "unknown-sku the pointer is #, since the lines are not in the body: sku names the line.",
        parameters=[requests.KEY_PARAMETER, LOCATION],
        request=serializers.CheckoutRequestSerializer,
        responses={201: serializers.OrderSerializer, 202: serializers.OrderSerializer},
    )
    def post(self, request: Request) -> HttpResponse:
        call = requests.read_call(request)
        body = serializers.CheckoutRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        draft = services.Draft(
            user_id=call.user_id, lines=(), from_cart=True, **body.validated_data
        )
        return requests.respond(services.place_order(call=call, draft=draft))
