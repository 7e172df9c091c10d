# shellcheck shell=bash
# What the examples share. Needs bash, curl and python3.
#
#   ask STATUS METHOD PATH [CURL OPTION...]   makes a call below /api/v1, shows it, and ends the script with one
#                                             sentence where the answer has another status
#   field NAME                                prints a field of the last answer, such as lines.0.sku
#   check NAME VALUE                          ends the script with one sentence where a field is not of this value
#   say FORMAT NAME...                        prints fields in a sentence, each where the format has %s
#   header NAME                               prints a header of the last answer
#   same WHAT EXPECTED FOUND                  ends the script with one sentence where the two differ

SHOP="${SHOP:-http://127.0.0.1:8000}"
SHOP="${SHOP%/api/v1}"  # the README's has it at its end
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

fail() {
  printf '\nIt went wrong: %s\n' "$*" >&2
  exit 1
}

step() {
  printf '\n%s\n' "$*"
}

ask() {
  local wanted=$1 method=$2 path=$3 status
  shift 3
  : > "$folder/body"
  printf '  %-6s %s' "$method" "/api/v1$path"
  status=$(curl --silent --max-time 30 --request "$method" "$SHOP/api/v1$path" \
    --header 'Content-Type: application/json' \
    --output "$folder/body" --dump-header "$folder/headers" --write-out '%{http_code}' "$@") ||
    fail "$SHOP does not answer; is the shop up (make run), and is SHOP its address?"
  printf '  %s\n' "$status"
  [ "$status" = "$wanted" ] || fail "$method $path was to answer $wanted, and answered $status: $(cat "$folder/body")"
}

field() {
  python3 -c '
import json, sys
value = json.load(open(sys.argv[1], encoding="utf-8"))
for name in sys.argv[2].split("."):
    value = value[int(name)] if isinstance(value, list) else value[name]
print(value)
' "$folder/body" "$1" 2>/dev/null || fail "the answer has no field $1: $(cat "$folder/body")"
}

header() {
  tr -d '\r' < "$folder/headers" | grep -i "^$1: " | head -n 1 | cut -d ' ' -f 2- || fail "the answer has no header $1"
}

check() {
  local found
  found=$(field "$1") # a line of its own, for bash looks at no failure inside of a word
  same "$1" "$2" "$found"
}

say() {
  local format=$1 name value values=()
  shift
  for name in "$@"; do
    value=$(field "$name")
    values+=("$value")
  done
  # shellcheck disable=SC2059 # the scripts' own formats
  printf "  $format\n" "${values[@]}"
}

same() {
  [ "$2" = "$3" ] || fail "$1 was to be $2, and is $3"
}

# A text that no earlier run has used: for addresses, keys and skus.
unique() {
  python3 -c 'import uuid; print(uuid.uuid4().hex[:12])'
}

# Opens an account and logs in; TOKEN and REFRESH are its tokens then.
become_customer() {
  local email password
  email="ada-$(unique)@souk.example"
  password="$(unique)-$(unique)"
  ask 201 POST /auth/register --data "{\"email\": \"$email\", \"password\": \"$password\", \"name\": \"Ada Lovelace\"}"
  log_in "$email" "$password"
}

# shellcheck disable=SC2034 # the scripts use both
log_in() {
  ask 200 POST /auth/token --data "{\"email\": \"$1\", \"password\": \"$2\"}"
  TOKEN=$(field access)
  REFRESH=$(field refresh)
}

ADDRESS='{"name": "Ada Lovelace", "line1": "1 Market Square", "city": "Vienna", "postal_code": "1010", "country": "AT"}'
# shellcheck disable=SC2034 # for the scripts that order
readonly ADDRESS
