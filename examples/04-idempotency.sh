#!/usr/bin/env bash
# Send an order twice and get one: what a client does when it does not know whether the first one arrived.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

step "A customer, and something that is in stock"
become_customer
ask 200 GET '/catalog/products?in_stock=true&sort=price&limit=1'
sku=$(field results.0.sku)
key="order-$(unique)"
body="{\"lines\": [{\"sku\": \"$sku\", \"quantity\": 1}], \"shipping_address\": $ADDRESS}"

step "The same order with the same key, twice"
ask 201 POST /orders --header "Authorization: Bearer $TOKEN" --header "Idempotency-Key: $key" --data "$body"
first=$(field id)
ask 201 POST /orders --header "Authorization: Bearer $TOKEN" --header "Idempotency-Key: $key" --data "$body"
check id "$first"
ask 200 GET /orders --header "Authorization: Bearer $TOKEN"
same "the number of orders" 1 "$(grep -o '"number"' "$folder/body" | wc -l | tr -d ' ')"
echo "  there is one order"

step "Another order under that key, and none"
ask 422 POST /orders --header "Authorization: Bearer $TOKEN" --header "Idempotency-Key: $key" \
  --data "{\"lines\": [{\"sku\": \"$sku\", \"quantity\": 2}], \"shipping_address\": $ADDRESS}"
check code idempotency-key-reused
ask 400 POST /orders --header "Authorization: Bearer $TOKEN" --data "$body"
check code idempotency-key-required

step "Give the stock back"
ask 200 POST "/orders/$first/cancel" --header "Authorization: Bearer $TOKEN" --data '{"reason": "only an example"}'
check status cancelled
