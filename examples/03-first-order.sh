#!/usr/bin/env bash
# Place an order, pay it, and see what happened to it.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

step "A customer, and something that is in stock"
become_customer
ask 200 GET '/catalog/products?in_stock=true&sort=price&limit=1'
sku=$(field results.0.sku)
say '%s, %s %s' results.0.name results.0.price results.0.currency

step "Place the order: the shop reserves the stock, and says what it costs"
ask 201 POST /orders --header "Authorization: Bearer $TOKEN" --header "Idempotency-Key: order-$(unique)" \
  --data "{\"lines\": [{\"sku\": \"$sku\", \"quantity\": 1}], \"shipping_address\": $ADDRESS}"
order=$(field id)
check status placed
say '%s, %s %s; to be paid before %s' number total currency expires_at

step "Pay it with a token of the sandbox"
ask 201 POST "/orders/$order/payments" --header "Authorization: Bearer $TOKEN" --header "Idempotency-Key: pay-$(unique)" \
  --data '{"method": "card", "token": "tok_ok"}'
check status succeeded
ask 200 GET "/orders/$order" --header "Authorization: Bearer $TOKEN"
check status paid

step "What happened to it"
ask 200 GET "/orders/$order/timeline" --header "Authorization: Bearer $TOKEN"
say 'first: %s %s' results.0.kind results.0.what
