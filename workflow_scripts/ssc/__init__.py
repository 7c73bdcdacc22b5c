"""Self-Supervised Classification of river imagery (Carbonneau et al. 2020).

The method as a library: paths, arrays and small settings in, values out. It knows nothing of the
workflow that calls it, so that it serves notebooks and tests as well.
"""
