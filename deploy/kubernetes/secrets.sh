#!/bin/sh
# Print the services' Secrets, made of the files that `make secrets` wrote:
#   sh deploy/kubernetes/secrets.sh secrets | kubectl apply -f -
# The output holds the secrets: pass it on, and keep it nowhere.
set -eu

folder=${1:?name the folder that \`make secrets\` wrote}

secret() {
  service=$1
  shift
  files=
  for name in "$@"; do
    file=$folder/$service.$(echo "$name" | tr '[:upper:]' '[:lower:]')
    [ "$name" = MAIL_URL ] && file=$folder/mail_url
    [ -r "$file" ] || { echo "There is no $file." >&2; exit 1; }
    files="$files --from-file=$name=$file"
  done
  # shellcheck disable=SC2086 -- names of files, without spaces
  kubectl create secret generic "souk-$service" --namespace souk --dry-run=client -o yaml $files
  echo ---
}

common="SECRET_KEY SECRET_KEY_FALLBACKS ENCRYPTION_KEYS DATABASE_URL BROKER_URL CACHE_URL"
# shellcheck disable=SC2086 -- the names one by one
{
  secret auth $common CATALOG_CLIENT_SECRET_HASHES ORDER_CLIENT_SECRET_HASHES MAIL_URL
  secret catalog $common CLIENT_SECRET S3_SECRET_ACCESS_KEY
  secret order $common CLIENT_SECRET MAIL_URL WEBHOOK_SECRETS
}
