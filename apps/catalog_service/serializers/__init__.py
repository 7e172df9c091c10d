"""Shapes of requests and answers. Nothing is saved here."""
