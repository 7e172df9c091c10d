"""Access tokens: JWTs that every service verifies by itself, with no call and no query per request."""
