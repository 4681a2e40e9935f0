"""The page that shows what an update changed. No other step needs it."""
