"""Builders of the named networks, one family a file: numbers in, `keras.Model` out."""
