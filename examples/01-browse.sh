#!/usr/bin/env bash
# Look around in the shop: nobody need log in for that.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

step "The categories, as a tree"
ask 200 GET /catalog/categories
say 'the first one: %s' results.0.name

step "Two products, the cheapest first"
ask 200 GET '/catalog/products?in_stock=true&sort=price&limit=2'
say '%s, %s %s' results.0.name results.0.price results.0.currency
say '%s, %s %s' results.1.name results.1.price results.1.currency
say 'the next page: %s' next

step "What is found for a misspelt word"
ask 200 GET '/catalog/products?q=lantren&limit=1'
slug=$(field results.0.slug)
say '%s' results.0.name

step "One product; who has its ETag gets no second copy"
ask 200 GET "/catalog/products/$slug"
check slug "$slug"
etag=$(header ETag)
ask 304 GET "/catalog/products/$slug" --header "If-None-Match: $etag"
