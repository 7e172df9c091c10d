"""Writes: `accounts` changes users, `sessions` their log-ins, `clients` lets services in."""
