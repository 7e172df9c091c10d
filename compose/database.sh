#!/bin/bash
# Runs once, on an empty volume: makes the service's role and database out of its DATABASE_URL,
# closed to every other role. The same as local/postgres.py does without containers.
set -euo pipefail

url=$(</run/secrets/database_url)
account=${url#*://}
account=${account%@*}
database=${url##*/}

# By the environment: what stands on a command line everybody can list.
SERVICE_PASSWORD=${account#*:} psql --set ON_ERROR_STOP=1 --quiet --no-psqlrc \
  --username "${POSTGRES_USER:-postgres}" --dbname postgres \
  --set role="${account%%:*}" --set database="${database%%\?*}" <<'SQL'
\getenv password SERVICE_PASSWORD
CREATE ROLE :"role" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD :'password';
CREATE DATABASE :"database" OWNER :"role" TEMPLATE template0 ENCODING 'UTF8'
  LOCALE 'C' LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8';
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
REVOKE ALL ON DATABASE postgres FROM PUBLIC;
REVOKE ALL ON DATABASE template1 FROM PUBLIC;
SQL
