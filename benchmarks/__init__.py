"""Measures Souk against its limits and against what users pick instead."""
