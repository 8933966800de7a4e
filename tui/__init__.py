"""The terminal app: pure values (frame, view, player, layout), the stage that fills them, and the screen."""
