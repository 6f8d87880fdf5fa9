"""What the firmware runs on: board.py is the interface; esp32, simulated and desktop implement it."""
