"""Programs as source that somebody can read, run and ship."""
