"""The dialects: each translates one vendor's words to a request and an evaluation back to that vendor's words."""
