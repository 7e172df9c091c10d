"""Reads of the catalog service."""
