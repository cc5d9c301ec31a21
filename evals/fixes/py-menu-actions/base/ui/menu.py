class Menu:
    def __init__(self, open_page) -> None:
        self._open_page = open_page

    def actions(self):
        return {"Home": lambda: self._open_page("home")}
