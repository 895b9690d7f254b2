"""How good a guess was, and how sure a gain is. Arrays in, numbers out."""
