"""The rules of orders as plain Python: no Django, no clock, no I/O."""
