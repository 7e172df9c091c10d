# Where the databases are, for backup.sh and restore.sh, which read this file.

database() {
    echo "souk_$1"
}

# choose local    the platform in SOUK_HOME (.souk): its own PostgreSQL and programs
# choose compose  the containers of this project (COMPOSE_PROJECT_NAME, COMPOSE_FILE as ever)
# choose servers  whatever the sections auth, catalog and order of PGSERVICEFILE say, as a role that
#                 may create databases and act as the service's
choose() {
    where=$1
    case $where in
    local)
        home=${SOUK_HOME:-.souk}
        python=${PYTHON:-.venv/bin/python}
        programs=$("$python" -c 'from local.postgres import binary; print(binary("x").parent)')
        scratch=$(mktemp -d)
        trap 'rm -r "$scratch"' EXIT
        export PGSERVICEFILE="$scratch/services"
        "$python" -c '
import json, pathlib, sys
home = pathlib.Path(sys.argv[1])
port = json.loads((home / "ports.json").read_text())["postgres"]
password = json.loads((home / "secrets.json").read_text())["postgres"]
for service in ("auth", "catalog", "order"):
    print(f"[{service}]\nhost=127.0.0.1\nport={port}\nuser=postgres\npassword={password}")
' "$home" >"$PGSERVICEFILE"
        ;;
    compose) ;;
    servers)
        programs=
        : "${PGSERVICEFILE:?names a file with the sections auth, catalog and order}"
        ;;
    *) return 1 ;;
    esac
}

# in_service SERVICE PROGRAM ARGUMENT...: runs a program of PostgreSQL against the service's server.
in_service() {
    service_=$1
    program=$2
    shift 2
    if [ "$where" = compose ]; then
        docker compose exec --no-TTY "$service_-database" "$program" --username=postgres "$@"
    else
        PGSERVICE=$service_ "${programs:+$programs/}$program" "$@"
    fi
}

# files media|files: writes a tar archive of one of catalog's two folders.
files() {
    case $where in
    local) mkdir -p "$home/data/$1" && tar --create --directory="$home/data" "$1" ;;
    compose) docker compose cp "catalog:/data/$1" - ;;
    servers) tar --create --files-from=/dev/null ;;
    esac
}
