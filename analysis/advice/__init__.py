"""What to search next: the knobs that mattered, where their best points lie, and a space that follows from it."""
