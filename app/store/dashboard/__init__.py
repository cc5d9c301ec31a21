"""What the pages read: bound parameters, indexes, no caches. Every function takes the `Viewer` whose rows it may show."""
