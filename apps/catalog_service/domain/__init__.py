"""Plain rules of the catalog."""
