PAGES = {"Home": "home", "Orders": "orders", "Settings": "settings"}


class Menu:
    def __init__(self, open_page, pages=None) -> None:
        self._open_page = open_page
        self._pages = dict(pages or PAGES)

    def actions(self):
        """A callable without parameters for each label."""
        actions = {}
        for label, page in self._pages.items():
            actions[label] = lambda: self._open_page(page)
        return actions

    def click(self, label: str) -> None:
        self.actions()[label]()
