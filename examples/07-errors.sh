#!/usr/bin/env bash
# How the shop says no: application/problem+json, with a code for programs and a sentence for people.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

told() {
  local type
  type=$(header Content-Type)
  same "the type of the answer" application/problem+json "$type"
  check code "$1"
  say '%s: %s' code detail
}

step "A customer, and something that is in stock"
become_customer
ask 200 GET '/catalog/products?in_stock=true&sort=price&limit=1'
sku=$(field results.0.sku)

step "More than there are: the problem points at the line"
ask 409 POST /orders --header "Authorization: Bearer $TOKEN" --header "Idempotency-Key: order-$(unique)" \
  --data "{\"lines\": [{\"sku\": \"$sku\", \"quantity\": 9999}], \"shipping_address\": $ADDRESS}"
told out-of-stock
check errors.0.pointer '#/lines/0/quantity'

step "Fields that are wrong: each is named"
ask 400 POST /orders --header "Authorization: Bearer $TOKEN" --header "Idempotency-Key: order-$(unique)" \
  --data "{\"lines\": [{\"sku\": \"$sku\", \"quantity\": 0}], \"shipping_address\": $ADDRESS}"
told validation-failed
check errors.0.pointer '#/lines/0/quantity'
say '%s: %s' errors.0.pointer errors.0.detail

step "No JSON, no such product, a declined card"
ask 400 POST /auth/token --data '{"email":'
told body-malformed
ask 404 GET /catalog/products/there-is-no-such-thing
told not-found
ask 201 POST /orders --header "Authorization: Bearer $TOKEN" --header "Idempotency-Key: order-$(unique)" \
  --data "{\"lines\": [{\"sku\": \"$sku\", \"quantity\": 1}], \"shipping_address\": $ADDRESS}"
order=$(field id)
ask 402 POST "/orders/$order/payments" --header "Authorization: Bearer $TOKEN" --header "Idempotency-Key: pay-$(unique)" \
  --data '{"token": "tok_declined"}'
told payment-declined

step "The request's id is in every answer and every log"
ask 404 GET "/orders/00000000-0000-7000-8000-000000000000" --header "Authorization: Bearer $TOKEN" --header 'X-Request-ID: my-own-id'
check request_id my-own-id

step "Give the stock back"
ask 200 POST "/orders/$order/cancel" --header "Authorization: Bearer $TOKEN" --data '{"reason": "only an example"}'
