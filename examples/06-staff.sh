#!/usr/bin/env bash
# Make a product, put it in stock, sell it, ship it. Needs the password that `make run` prints, in PASSWORD.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
[ -n "${PASSWORD:-}" ] || fail "say PASSWORD=… first: the password of the demo users, as make run prints it"

sku="EX-$(unique)"

step "Staff log in and add a product"
log_in "${STAFF:-staff@souk.example}" "$PASSWORD"
staff=$TOKEN
ask 200 GET /catalog/categories
category=$(field results.0.slug)
ask 201 POST /catalog/products --header "Authorization: Bearer $staff" \
  --data "{\"sku\": \"$sku\", \"name\": \"Example $sku\", \"category\": \"$category\", \"price\": \"12.50\", \"status\": \"active\"}"
slug=$(field slug)
etag=$(header ETag)

step "Five pieces come in"
ask 201 POST "/catalog/products/$slug/stock/adjustments" --header "Authorization: Bearer $staff" \
  --data '{"quantity": 5, "reason": "an example"}'
check available 5

step "Change the price of what was read; who read an older version is told"
ask 200 PATCH "/catalog/products/$slug" --header "Authorization: Bearer $staff" --header "If-Match: $etag" --data '{"price": "11.00"}'
check price 11.00
ask 412 PATCH "/catalog/products/$slug" --header "Authorization: Bearer $staff" --header "If-Match: $etag" --data '{"price": "10.00"}'
check code precondition-failed

step "A customer buys two and pays"
become_customer
ask 201 POST /orders --header "Authorization: Bearer $TOKEN" --header "Idempotency-Key: order-$(unique)" \
  --data "{\"lines\": [{\"sku\": \"$sku\", \"quantity\": 2}], \"shipping_address\": $ADDRESS}"
order=$(field id)
check subtotal 22.00
ask 201 POST "/orders/$order/payments" --header "Authorization: Bearer $TOKEN" --header "Idempotency-Key: pay-$(unique)" \
  --data '{"token": "tok_ok"}'

step "A customer cannot ship it, staff can"
ask 403 POST "/orders/$order/ship" --header "Authorization: Bearer $TOKEN" --data '{}'
check code permission-denied
ask 200 POST "/orders/$order/ship" --header "Authorization: Bearer $staff" --data '{"note": "parcel 42"}'
ask 200 POST "/orders/$order/deliver" --header "Authorization: Bearer $staff" --data '{}'
check status delivered

step "Take the product off sale again"
ask 204 DELETE "/catalog/products/$slug" --header "Authorization: Bearer $staff"
ask 404 GET "/catalog/products/$slug"
