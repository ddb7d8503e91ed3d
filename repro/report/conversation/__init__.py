"""What a probe said and heard, as a sequence diagram."""
