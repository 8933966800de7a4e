"""Lesson files, decks, documents, and checks of them."""
