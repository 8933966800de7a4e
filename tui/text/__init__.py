"""Text as rows: styles, glyphs, themes, the names of keys."""
