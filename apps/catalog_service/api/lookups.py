"""Products as a cart shows them: for services only, behind the private entry point."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.catalog_service.selectors import lookups as selectors
from apps.catalog_service.serializers.lookups import LookupInput, LookupOutput
from chassis.tokens.authentication import ServiceAuthentication, has_scope


class ProductLookupView(APIView):
    """For services only, behind the private entry point."""

    authentication_classes = [ServiceAuthentication]
    permission_classes = [has_scope("stock:reserve")]

    @extend_schema(
        operation_id="products_lookup",
        summary="Tell names, prices and stock of many products at once",
        description="It reserves nothing. Skus that are not for sale (unknown, draft, archived) are "
        "left out of the answer.",
        request=LookupInput,
        responses=LookupOutput,
    )
    def post(self, request: Request) -> Response:
        given = LookupInput(data=request.data)
        given.is_valid(raise_exception=True)
        lines = [(line["sku"], line["quantity"]) for line in given.validated_data["lines"]]
        return Response({"products": selectors.look_up(lines)})
