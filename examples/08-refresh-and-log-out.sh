#!/usr/bin/env bash
# Stay logged in with the refresh token, see one's log-ins, and log out.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

step "A customer logs in"
become_customer
first=$REFRESH

step "New tokens for the refresh token; it is spent then"
ask 200 POST /auth/token/refresh --data "{\"refresh\": \"$first\"}"
second=$(field refresh)
token=$(field access)
ask 401 POST /auth/token/refresh --data "{\"refresh\": \"$first\"}"
check code token-invalid

step "Where I am logged in"
ask 200 GET /auth/sessions --header "Authorization: Bearer $token"
say 'with %s, since %s' results.0.device results.0.created_at

step "Log out: the refresh token is worth nothing any more"
ask 204 POST /auth/token/revoke --data "{\"refresh\": \"$second\"}"
ask 401 POST /auth/token/refresh --data "{\"refresh\": \"$second\"}"
check code token-invalid

step "The access token goes on until its five minutes are over"
ask 200 GET /auth/me --header "Authorization: Bearer $token"
