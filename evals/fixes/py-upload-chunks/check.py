from warehouse.upload import Upload, chunks


class Client:
    def __init__(self):
        self.calls = []

    def insert(self, rows):
        self.calls.append(list(rows))


client = Client()
assert Upload(client).send(n for n in range(1203)) == 1203
assert [len(call) for call in client.calls] == [500, 500, 203]
assert [n for call in client.calls for n in call] == list(range(1203))
assert [list(each) for each in chunks([1, 2, 3, None, 5], 2)] == [[1, 2], [3, None], [5]]
assert list(chunks([], 3)) == []
assert [list(each) for each in chunks("abcd", 2)] == [["a", "b"], ["c", "d"]]
