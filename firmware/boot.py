# Runs first on an ESP32; everything else is in main.py.
import gc

gc.threshold(16_384)  # collect early and often: many small pauses instead of a long one, and less fragmentation
