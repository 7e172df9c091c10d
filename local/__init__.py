"""Run the whole platform on one machine, on real engines, without containers.

Starts processes and talks to them; imports no Django, no app, no chassis and no settings.
"""
