#!/bin/sh
# Puts a backup of one database in the place of what is there, which is kept under another name:
# docs/backup.md. Stop the service's processes before, and start them after.
set -eu
umask 077

usage() {
    echo "Usage: deploy/restore.sh local|compose|servers auth|catalog|order FILE.dump" >&2
    exit 2
}

[ $# -eq 3 ] || usage
. "$(dirname "$0")/databases.sh"
choose "$1" || usage
service=$2
case $service in auth | catalog | order) ;; *) usage ;; esac
name=$(database "$service")
file=$3
former=${name}_before_$(date -u +%Y%m%dt%H%M%Sz)

sql() {
    in_service "$service" psql --no-psqlrc --quiet --tuples-only --no-align --set=ON_ERROR_STOP=1 --dbname="$1"
}

in_service "$service" pg_restore --list <"$file" >/dev/null

# Beside the one in use, so that a backup that cannot be restored changes nothing. It is closed to
# every other role, as the first one is.
sql postgres <<SQL
SET client_min_messages = warning;
DROP DATABASE IF EXISTS ${name}_restored;
CREATE DATABASE ${name}_restored OWNER $name TEMPLATE template0 ENCODING 'UTF8'
    LOCALE 'C' LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8';
REVOKE ALL ON DATABASE ${name}_restored FROM PUBLIC;
SQL
in_service "$service" pg_restore --exit-on-error --no-owner --no-acl --role="$name" \
    --dbname="${name}_restored" <"$file"
echo "ANALYZE" | sql "${name}_restored"
echo "Restored beside the database in use, and analysed."

if [ "$(echo "SELECT count(*) FROM pg_database WHERE datname = '$name'" | sql postgres)" = 1 ]; then
    # No new connection, then an end of those there are: a database with one cannot be renamed.
    sql postgres >/dev/null <<SQL
ALTER DATABASE $name ALLOW_CONNECTIONS false;
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '$name';
ALTER DATABASE $name RENAME TO $former;
ALTER DATABASE $former ALLOW_CONNECTIONS true;
SQL
    echo "The former one is $former; drop it once all is well."
fi
echo "ALTER DATABASE ${name}_restored RENAME TO $name" | sql postgres
echo "$name is the backup. Start $service: migrate first, then its processes, each anew."
