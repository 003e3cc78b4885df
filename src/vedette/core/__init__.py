"""What every room stands on: errors, clock, ids, settings, state, identity, secrets, audit trail, TLS. Knows no other room."""
