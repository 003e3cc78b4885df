"""What rules are read from: the public layout in YAML and JSON, ARM templates, custom detections of Defender XDR."""
