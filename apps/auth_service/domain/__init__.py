"""The pure rules of accounts and log-ins."""
