"""Settings of each service, built from environment variables alone."""
