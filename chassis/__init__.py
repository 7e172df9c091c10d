"""What every service shares, and no business rule."""
