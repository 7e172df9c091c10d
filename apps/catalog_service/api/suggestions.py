"""Suggestions while someone types."""

from dataclasses import asdict

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.catalog_service.selectors import suggestions
from apps.catalog_service.serializers.suggestions import SuggestionParameters, SuggestionsOutput
from chassis.tokens.authentication import IsStaffOrReadOnly


class SuggestionsView(APIView):
    permission_classes = [IsStaffOrReadOnly]

    @extend_schema(
        operation_id="products_suggest",
        tags=["Products"],
        summary="Suggest what somebody may be typing",
        description="Products, categories and words that go on from what is typed so far.",
        parameters=[SuggestionParameters],
        responses=SuggestionsOutput,
    )
    def get(self, request: Request) -> Response:
        given = SuggestionParameters(data=request.query_params.dict())
        given.is_valid(raise_exception=True)
        found = suggestions.suggest(given.validated_data["q"], limit=given.validated_data["limit"])
        # The same for everyone, and asked for with each key that is pressed.
        return Response(
            {"results": [asdict(suggestion) for suggestion in found]},
            headers={"Cache-Control": "public, max-age=30", "Vary": "Authorization"},
        )
