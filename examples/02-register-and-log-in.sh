#!/usr/bin/env bash
# Open an account, log in, and be known by the token from then on.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

email="ada-$(unique)@souk.example"
password="$(unique)-$(unique)"

step "Open an account"
ask 201 POST /auth/register --data "{\"email\": \"$email\", \"password\": \"$password\", \"name\": \"Ada Lovelace\"}"
check role customer

step "Log in"
ask 200 POST /auth/token --data "{\"email\": \"$email\", \"password\": \"$password\"}"
token=$(field access)
say 'an access token for %s seconds, and a refresh token for the next one' expires_in

step "Who am I?"
ask 200 GET /auth/me --header "Authorization: Bearer $token"
check email "$email"

step "A wrong password, and no token"
ask 401 POST /auth/token --data "{\"email\": \"$email\", \"password\": \"not it\"}"
check code credentials-invalid
ask 401 GET /auth/me
check code authentication-required
