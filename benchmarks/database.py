"""A service's database on real engines, by its own migrations; the catalog's with ten thousand products."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import jwt
import psutil
import psycopg
from cryptography.hazmat.primitives.asymmetric import ec
from psycopg.types.json import Jsonb

from benchmarks.processes import run_once
from tests import engines
from tests.environment import environment

PRODUCTS: Final = 10_000

_CATEGORIES: Final = """
INSERT INTO category (id, slug, name, path)
SELECT id, 'category-' || n, 'Category ' || n, text2ltree(replace(id::text, '-', ''))
FROM (SELECT n, uuidv7() AS id FROM generate_series(0, 9) AS n) AS made
"""
_PRODUCTS: Final = """
INSERT INTO product (id, sku, slug, name, description, category_id, price, currency, image_url,
                     attributes, status, created_at, updated_at)
SELECT uuidv7(), 'SKU-' || n, 'product-' || n, 'Product number ' || n,
       repeat('A sentence about product ' || n || '. ', 5), category.id,
       (100 + n %% 9000) / 100.0, 'EUR', '/media/catalog/product-' || n || '.svg',
       jsonb_build_object('colour', (ARRAY['red', 'green', 'blue'])[1 + n %% 3], 'size', n %% 50),
       'active', now() - n * interval '1 minute', now() - n * interval '1 minute'
FROM generate_series(1, %s) AS n JOIN category ON category.slug = 'category-' || n %% 10
"""


@dataclass(frozen=True, slots=True)
class Database:
    """The server's process id, and what a process of the service needs to know."""

    pid: int
    url: str
    folder: Path
    variables: dict[str, str]


@contextlib.contextmanager
def running() -> Iterator[Database]:
    """Run PostgreSQL and Redis with the catalog's database, a key and products in it."""
    with migrated("catalog") as found:
        with psycopg.connect(found.url, autocommit=True) as connection:
            keep_a_key(connection)
            _add_products(connection)
        yield found


@contextlib.contextmanager
def migrated(service: str, *, shared_buffers: str = "64MB") -> Iterator[Database]:
    """Run PostgreSQL and Redis with a service's database, as its migrations leave it."""
    with engines.running(shared_buffers=shared_buffers) as started:
        variables = environment(
            service, postgres_url=started.postgres_url, redis_url=started.redis_url
        )
        # A local platform's files beside this checkout must not fill in what is left out here.
        variables |= {"SOUK_HOME": started.folder, "LOG_FORMAT": "json"}
        url = variables["DATABASE_URL"]
        with psycopg.connect(f"{started.postgres_url}/postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {url.rpartition('/')[2]}".encode())
            pid = psutil.Process(connection.info.backend_pid).ppid()
        run_once(["manage.py", service, "migrate", "--no-input", "--verbosity=0"], variables)
        yield Database(pid, url, Path(started.folder), variables)


def keep_a_key(connection: psycopg.Connection[Any]) -> None:
    """Give the service a verification key: it is not ready without one, and asks auth for it."""
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    jwk = jwt.algorithms.ECAlgorithm.to_jwk(key, as_dict=True)
    jwks = {"keys": [{**jwk, "kid": "benchmarks", "alg": "ES256", "use": "sig"}]}
    connection.execute(
        "INSERT INTO verification_keys (id, jwks, fetched_at) VALUES (1, %s, now())", [Jsonb(jwks)]
    )


def _add_products(connection: psycopg.Connection[Any]) -> None:
    """Add ten categories and ten thousand active products in stock, and let the planner know."""
    connection.execute(_CATEGORIES)
    connection.execute(_PRODUCTS, [PRODUCTS])
    connection.execute("INSERT INTO stock SELECT id, 3 + (price * 100)::int % 20, 3 FROM product")
    connection.execute("VACUUM ANALYZE product, category, stock")
