"""The engine: a function of conversation, recipe, overrides and policy. No storage, no HTTP."""
