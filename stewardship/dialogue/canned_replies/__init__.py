"""Canned replies: what stewards say again and again, with the case's own details filled in."""
