"""Where keys, policies, recipes and the activity log live: one contract, two back ends."""
