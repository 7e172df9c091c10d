"""The demo catalogue: products written for Souk, and pictures drawn for them."""
