"""Pages for people: the home page and single resources by signed link."""
