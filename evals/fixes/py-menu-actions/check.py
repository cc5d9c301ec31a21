import inspect

from ui.menu import Menu

opened = []
menu = Menu(opened.append, {"A": "a", "B": "b", "C": "c"})
for label in ("A", "C", "B"):
    menu.click(label)
assert opened == ["a", "c", "b"], opened
actions = menu.actions()
actions["A"]()
assert opened[-1] == "a"
assert list(actions) == ["A", "B", "C"]
Menu(opened.append).click("Orders")
assert opened[-1] == "orders"
