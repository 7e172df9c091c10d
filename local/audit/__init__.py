"""`manage.py audit`: what the services hold, compared with each other. Memory does not grow with what there is."""
