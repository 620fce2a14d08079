"""The use cases: judge and record, and the care of keys, policies, recipes and the activity log. No HTTP."""
