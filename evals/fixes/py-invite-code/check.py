import random
import string

from workspace.invites import Invites, new_code

codes = [new_code() for _ in range(200)]
assert len(set(codes)) == 200
assert all(len(code) == 16 and set(code) <= set(string.ascii_uppercase + string.digits) for code in codes)
assert len(set("".join(codes))) == 36
seeded = []
for _ in range(2):
    random.seed(1)
    seeded.append(new_code())
assert seeded[0] != seeded[1], "a seed determines the code"
invites = Invites()
assert invites.workspace(invites.create(7)) == 7
assert invites.workspace("X") is None
