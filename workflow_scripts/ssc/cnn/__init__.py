"""Phase 1: a CNN learns land cover from labelled images and maps new ones."""
