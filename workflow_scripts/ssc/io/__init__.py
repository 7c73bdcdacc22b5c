"""Rasters and tables: what the library reads and writes."""
