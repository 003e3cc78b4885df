"""Files of log rows → batches: one module per form, all of them bounded in memory."""
