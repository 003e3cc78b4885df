"""Rules written out: in the public layout, as ARM resources and as Bicep."""
