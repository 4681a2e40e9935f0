"""Metrics and changes as pages for people: HTML, Markdown, charts."""
