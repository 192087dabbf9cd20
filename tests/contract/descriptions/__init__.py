"""What we say to others, and what our stand-ins for them answer, held against the others' own descriptions."""
