"""The programs that Souk's services are measured against; each answers what they answer."""
