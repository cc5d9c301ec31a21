module example.org/pos

go 1.22
