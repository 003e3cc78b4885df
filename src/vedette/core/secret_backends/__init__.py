"""Where the values of secrets lie: in the state, encrypted, or with a service that keeps secrets."""
