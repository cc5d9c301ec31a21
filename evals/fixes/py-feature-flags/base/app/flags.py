FEATURES = ("search", "chat")
