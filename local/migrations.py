"""Migrate the services' databases, but for those in which nothing is left to do.

Django needs a second of processor time per service to find that out. What it would look at is the
migrations' files and the rows it wrote of them: when both are as the last run left them, it is
not asked.
"""

import hashlib
import json
from importlib.metadata import version

import psycopg

from local.commands import run_together
from local.home import ROOT, SERVICES, read_json, write_private
from local.plan import Plan

_APPLIED = "SELECT app, name FROM django_migrations ORDER BY app, name"


def migrate(plan: Plan) -> list[str]:
    """Migrate where it is needed; return the services whose database was migrated.

    Raises: PlatformError when a migration fails.
    """
    file = plan.home.path / "migrated.json"
    noted = read_json(file)
    waiting = [service for service in SERVICES if noted.get(service) != _state(plan, service)]
    if waiting:
        run_together(plan, dict.fromkeys(waiting, ("migrate", "--no-input")))
        now = {service: _state(plan, service) for service in waiting}
        write_private(file, json.dumps({**noted, **now}))
    return waiting


def _state(plan: Plan, service: str) -> str:
    """Return a digest of a service's migrations: their files, and what is applied of them."""
    digest = hashlib.sha256(version("django").encode())
    for folder in (ROOT / "chassis", ROOT / "apps" / f"{service}_service"):
        for path in sorted((folder / "migrations").glob("*.py")):
            digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    digest.update(repr(_applied(plan.variables(service)["DATABASE_URL"])).encode())
    return digest.hexdigest()


def _applied(database_url: str) -> list[tuple[str, str]] | None:
    """Return the applied migrations, None where there never was one."""
    with psycopg.connect(database_url, connect_timeout=5) as connection:
        try:
            return connection.execute(_APPLIED).fetchall()
        except psycopg.errors.UndefinedTable:
            return None
