"""Listeners for syslog over UDP, TCP and TLS."""
