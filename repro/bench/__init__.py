"""The drivers side by side: what connecting and the transaction take, and which differences are real."""
