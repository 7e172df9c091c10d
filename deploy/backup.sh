#!/bin/sh
# Backs up the three databases and catalog's files into a new folder: docs/backup.md.
# Of each database it is one moment; the shop stays open.
set -eu
umask 077

usage() {
    echo "Usage: deploy/backup.sh local|compose|servers FOLDER" >&2
    echo "docs/backup.md tells what the three mean, and how a backup is restored." >&2
    exit 2
}

[ $# -eq 2 ] || usage
. "$(dirname "$0")/databases.sh"
choose "$1" || usage
folder=$2/$(date -u +%Y%m%dT%H%M%SZ)
mkdir -p "$2"
mkdir "$folder.part"

# Consumers before publishers: what an outbox holds that an inbox lacks, the sweep brings.
for service in catalog order auth; do
    in_service "$service" pg_dump --format=custom --dbname="$(database "$service")" \
        >"$folder.part/$service.dump"
    in_service "$service" pg_restore --list <"$folder.part/$service.dump" >"$folder.part/list"
    rm "$folder.part/list"
    echo "$service.dump $(wc -c <"$folder.part/$service.dump" | tr -d ' ') bytes"
done

# After the database: each picture that a row of it names was stored before the row.
for kind in media files; do
    files "$kind" >"$folder.part/$kind.tar"
    echo "$kind.tar $(wc -c <"$folder.part/$kind.tar" | tr -d ' ') bytes"
done

(cd "$folder.part" && sha256sum -- *.dump *.tar >SHA256SUMS)
# A folder without .part is whole.
mv "$folder.part" "$folder"
echo "$folder"
