"""Forms of the admin. What they hold is taken by services alone."""
