"""The admin of every service: single sign-on, pages of events and of the audit log."""
