#!/usr/bin/env bash
# Fill a cart and order what is in it, at the price that was shown.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

step "A customer, and two things that are in stock"
become_customer
ask 200 GET '/catalog/products?in_stock=true&sort=price&limit=2'
one=$(field results.0.sku)
other=$(field results.1.sku)

step "Into the cart: the quantity is what it holds from then on"
ask 200 PUT "/cart/items/$one" --header "Authorization: Bearer $TOKEN" --data '{"quantity": 1}'
ask 200 PUT "/cart/items/$other" --header "Authorization: Bearer $TOKEN" --data '{"quantity": 1}'
ask 200 PUT "/cart/items/$one" --header "Authorization: Bearer $TOKEN" --data '{"quantity": 2}'
ask 204 DELETE "/cart/items/$other" --header "Authorization: Bearer $TOKEN"

step "What an order to Austria would cost"
ask 200 GET '/cart?country=AT' --header "Authorization: Bearer $TOKEN"
check lines.0.quantity 2
total=$(field total)
say '%s %s, of which %s are shipping' total currency shipping

step "Check out at another total than that: refused, and nothing is reserved"
ask 409 POST /cart/checkout --header "Authorization: Bearer $TOKEN" --header "Idempotency-Key: cart-$(unique)" \
  --data "{\"shipping_address\": $ADDRESS, \"expected_total\": \"0.01\"}"
check code price-changed

step "Check out"
ask 201 POST /cart/checkout --header "Authorization: Bearer $TOKEN" --header "Idempotency-Key: cart-$(unique)" \
  --data "{\"shipping_address\": $ADDRESS, \"expected_total\": \"$total\"}"
order=$(field id)
check total "$total"
ask 200 GET /cart --header "Authorization: Bearer $TOKEN"
check lines '[]'

step "Give the stock back"
ask 200 POST "/orders/$order/cancel" --header "Authorization: Bearer $TOKEN" --data '{"reason": "only an example"}'
