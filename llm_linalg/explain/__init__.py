"""Answers in words, for a person."""
