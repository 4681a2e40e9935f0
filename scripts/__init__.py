"""The steps of the project, one a file; see project.yml."""
