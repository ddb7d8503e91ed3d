"""The wire images of messages, one protocol a module: only what the fields say, and filler."""
