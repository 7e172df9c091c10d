"""What people write: a stock DRF ModelViewSet with PageNumberPagination over the same tables."""

from typing import Any, ClassVar

from django.apps import apps
from django.urls import URLPattern, URLResolver, include, path
from rest_framework import serializers, viewsets
from rest_framework.routers import DefaultRouter

# Not imported: the types of the catalog's models are known under the catalog's settings only.
Product: Any = apps.get_app_config("catalog").get_model("Product")
_MOST_SHOWN = 10


class ProductSerializer(serializers.ModelSerializer[Any]):
    category = serializers.SlugRelatedField[Any](slug_field="slug", read_only=True)
    in_stock = serializers.SerializerMethodField()
    available = serializers.SerializerMethodField()

    class Meta:
        model = Product
        fields: ClassVar = [
            *("id", "sku", "slug", "name", "description", "category", "price", "currency"),
            *("image_url", "attributes", "status", "created_at", "updated_at"),
            *("in_stock", "available"),
        ]

    def get_in_stock(self, product: Any) -> bool:
        return bool(product.stock.on_hand > product.stock.reserved)

    def get_available(self, product: Any) -> int:
        return int(min(product.stock.on_hand - product.stock.reserved, _MOST_SHOWN))


class ProductViewSet(viewsets.ModelViewSet[Any]):
    queryset = (
        Product.objects.filter(status="active")
        .select_related("category", "stock")
        .order_by("-created_at", "-id")
    )
    serializer_class = ProductSerializer
    lookup_field = "slug"


_router = DefaultRouter(trailing_slash=False)
_router.register("products", ProductViewSet)
urlpatterns: list[URLPattern | URLResolver] = [path("api/v1/catalog/", include(_router.urls))]
