"""Products by the million, for tests and benchmarks."""

from apps.catalog_service.services.seeding.loading import MixedShop, Seeded, seed

__all__ = ["MixedShop", "Seeded", "seed"]
