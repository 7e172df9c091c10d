"""Writes of the catalog service: one function per use case."""
