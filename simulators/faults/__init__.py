"""What goes wrong: one fault a file, each with its severity and its truth."""
