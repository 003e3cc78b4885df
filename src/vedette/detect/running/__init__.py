"""Running rules: one window, all windows on time, what arrives late, what arrives now, the past again; and the coverage ledger."""
