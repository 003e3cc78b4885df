"""What every room stands on: errors, clock, ids, settings, state, identity, secrets, audit trail and TLS."""
