"""Formulas in TeX: as a tree of MathML, and from that as one line or several rows of text."""
