"""A home of its own for each test; nothing is started."""

from pathlib import Path

import pytest

from local import ports
from local.home import SERVICES, Home
from local.plan import Plan, port_names


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Return a prepared home whose path is a hard one."""
    home = Home(tmp_path / "a home; 100%(x)s #1 'quoted' \"twice\" ü")
    home.prepare()
    return home


@pytest.fixture
def plan(home: Home) -> Plan:
    """Return a platform with one replica each."""
    replicas = dict.fromkeys(SERVICES, 1)
    return Plan(
        home, home.read_secrets(), 8000, replicas, ports.pick_ports(home, port_names(replicas))
    )
