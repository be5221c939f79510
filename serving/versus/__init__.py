"""Model versions that answer the same question, side by side."""
