"""Fill the shop with the demo catalogue."""

from typing import Any

from apps.catalog_service.demo import seed
from chassis.commands import ServiceCommand


class Command(ServiceCommand):
    """Idempotent: adds what is missing, and leaves what is there as staff keep it."""

    help = "Fill the shop with the demo catalogue: about 100 products with pictures."

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the command."""
        done = seed.seed()
        present = done.products - done.made
        self.stdout.write(
            f"{done.products} products in {done.categories} categories:"
            f" {done.made} made, {present} already there"
        )
