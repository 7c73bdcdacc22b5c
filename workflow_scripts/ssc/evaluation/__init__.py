"""How good a map is, what to label next, and the figures that show both."""
