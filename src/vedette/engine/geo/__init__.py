"""Places on Earth: GeoJSON, geometry on the sphere, and grids of cells."""
