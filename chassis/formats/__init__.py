"""How times are written, in the place of what Django has for English."""
