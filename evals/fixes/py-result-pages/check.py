from search.pages import page_of

items = [str(number) for number in range(45)]
pages = [page_of(items, number) for number in (1, 2, 3, 4)]
assert [page.items for page in pages] == [items[:20], items[20:40], items[40:], []]
assert [page.has_next for page in pages] == [True, True, False, False]
assert [page.number for page in pages] == [1, 2, 3, 4]
assert not page_of(items[:20], 1).has_next
assert page_of(items[:21], 1).has_next
try:
    page_of(items, 0)
except ValueError:
    pass
else:
    raise AssertionError("page 0")
