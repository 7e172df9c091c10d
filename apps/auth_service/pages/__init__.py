"""The pages outside of the admin: staff's log-in, and where the links in mails lead."""
