"""The learned part at run time: texts in, calibrated confidences per head out."""
