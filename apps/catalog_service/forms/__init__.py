"""Forms of the admin. What they hold is judged by the API's own rules, and saved by services alone."""
