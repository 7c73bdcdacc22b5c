"""Phase 2: a pixel classifier, fitted to the colours of one image, refines the map of the CNN."""
